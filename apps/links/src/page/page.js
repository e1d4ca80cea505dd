// The start page: three doors onto the API, nothing that the API does not offer to any program.

const REFRESH_MS = 2000;
const KEY = 'spillway-key';

const element = (id) => document.getElementById(id);

/** Asks the API; a refusal comes back as its problem document, never as an exception. */
async function ask(method, path, body) {
  const key = sessionStorage.getItem(KEY);
  const headers = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (key) headers['x-api-key'] = key;
  try {
    const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    const answer = await response.json().catch(() => ({}));
    return { ok: response.ok, status: response.status, answer };
  } catch {
    return { ok: false, status: 0, answer: { detail: 'The service did not answer; is it still running?' } };
  }
}

/** What a problem document says, field by field where it does. */
function explain({ status, answer }) {
  const lines = (answer.errors ?? []).map(({ field, message }) => `${field}: ${message}`);
  if (lines.length === 0) lines.push(answer.detail ?? answer.title ?? `The service answered ${status}.`);
  if (status === 401) lines.push('Enter an API key below.');
  return lines.join('\n');
}

function show(output, lines, wrong) {
  output.classList.toggle('wrong', wrong);
  output.replaceChildren(
    ...lines.map((line) => {
      const row = document.createElement('div');
      row.append(line);
      return row;
    }),
  );
}

function onSubmit(id, work) {
  element(id).addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = event.target.querySelector('button');
    button.disabled = true;
    try {
      await work(new FormData(event.target));
    } finally {
      button.disabled = false;
    }
  });
}

onSubmit('shorten', async (form) => {
  const alias = String(form.get('alias')).trim();
  const reply = await ask('POST', '/api/v1/links', { url: String(form.get('url')).trim(), ...(alias && { alias }) });
  const output = element('shorten-answer');
  if (!reply.ok) return show(output, explain(reply).split('\n'), true);
  const link = document.createElement('a');
  link.href = reply.answer.shortUrl;
  link.textContent = reply.answer.shortUrl;
  show(output, [link, `leads to ${reply.answer.url}`], false);
});

onSubmit('check', async (form) => {
  const body = { plan: String(form.get('plan')), key: String(form.get('subject')) };
  const reply = await ask('POST', '/api/v1/limits/check', body);
  const output = element('check-answer');
  const { outcome, remaining, limit, retryAfterMs, decidedBy } = reply.answer;
  if (outcome === undefined) return show(output, explain(reply).split('\n'), true);
  const until =
    outcome === 'allowed' || retryAfterMs === null ? '' : `, try again in ${Math.ceil(retryAfterMs / 1000)} s`;
  show(
    output,
    [`${outcome}${until}`, `${remaining} of ${limit} left, decided by the ${decidedBy}`],
    outcome === 'denied',
  );
});

onSubmit('key-form', async (form) => {
  const key = String(form.get('key')).trim();
  if (key === '') sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, key);
  element('key').value = '';
  element('key-state').textContent = key === '' ? 'No key is used.' : 'The key is used, and kept in this tab only.';
});

async function refreshFigures() {
  if (document.visibilityState === 'visible') {
    const { ok, answer } = await ask('GET', '/assets/figures');
    if (ok) drawFigures(answer);
    element('figures-more').classList.toggle('wrong', !ok);
    if (!ok) element('figures-more').textContent = 'The service does not answer.';
  }
  setTimeout(refreshFigures, REFRESH_MS);
}

function drawFigures({ answers, entries, bytes }) {
  const total = answers.reduce((sum, { count }) => sum + count, 0);
  const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });
  element('figures').replaceChildren(
    ...answers.map(({ from, count }) => {
      const row = document.createElement('tr');
      for (const text of [from, count.toLocaleString('en'), total === 0 ? '' : percent.format(count / total)]) {
        row.insertCell().textContent = text;
      }
      return row;
    }),
  );
  const size = (bytes / 1024).toLocaleString('en', { maximumFractionDigits: 0 });
  element('figures-more').textContent =
    `${entries.toLocaleString('en')} ${entries === 1 ? 'link' : 'links'} in memory, ${size} KiB.`;
}

refreshFigures();
