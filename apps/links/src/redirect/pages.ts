import type { ProblemBody } from '../http/problem.ts';

/** Text made safe to stand in HTML, in an element or between quotes. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * For every page of ours: nothing but our own files, no frames around it, nothing told to the next site. The password's form
 * may go on to any target: browsers hold `form-action` against the redirect that answers a form, too.
 */
export const htmlHeaders = (): Record<string, string> => ({
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' http: https:",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
});

const page = (title: string, main: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/page.css">
</head>
<body class="small">
<main>
${main}
</main>
</body>
</html>
`;

export const problemPage = ({ title, detail, status }: ProblemBody): string =>
  page(title, `<p class="status">${status}</p>\n<h1>${escapeHtml(title)}</h1>\n<p>${escapeHtml(detail)}</p>`);

/** The form in front of a link with a password. `fault` says why it is shown again. */
export const passwordPage = (code: string, fault: string | undefined): string =>
  page(
    'Password',
    `<h1>This link has a password</h1>
<form method="post" action="/${escapeHtml(encodeURIComponent(code))}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="200" required autofocus${fault === undefined ? '' : ' aria-invalid="true" aria-describedby="fault"'}>
${fault === undefined ? '' : `<p id="fault" class="wrong" role="alert">${escapeHtml(fault)}</p>`}
<button>Open the link</button>
</form>`,
  );
