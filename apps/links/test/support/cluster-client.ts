import { type HistoryRecorder, until } from '@spillway/testkit';
import type { Dispatcher } from 'undici';
import { ADMIN_KEY, type Instance } from './cluster.ts';

/** What tests ask of an instance, with the times of sending and of the whole answer; recorded where a history is given. */

export interface Answer<Body = unknown> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Body;
  readonly sentMs: number;
  readonly answeredMs: number;
}

export interface LinkBody {
  readonly url: string;
  readonly alias?: string;
  readonly maxClicks?: number;
  readonly password?: string;
}

export interface Made {
  readonly code: string;
  readonly url: string;
}

/** Finer than whole milliseconds: else a read in the millisecond of a creation's answer could not be judged. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

export async function ask<Body>(
  { pool }: Instance,
  method: Dispatcher.HttpMethod,
  path: string,
  options: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer<Body>> {
  const sentMs = nowMs();
  const { statusCode, headers, body } = await pool.request({
    method,
    path,
    headers: {
      ...(path.startsWith('/api/') ? { 'x-api-key': ADMIN_KEY } : {}),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    body: options.body === undefined ? null : JSON.stringify(options.body),
  });
  const text = await body.text();
  const answeredMs = nowMs();
  const isJson = String(headers['content-type']).includes('json') && text !== '';
  return { status: statusCode, headers, body: (isJson ? JSON.parse(text) : text) as Body, sentMs, answeredMs };
}

export const create = (instance: Instance, body: LinkBody, idempotencyKey?: string): Promise<Answer<Made>> =>
  ask(instance, 'POST', '/api/v1/links', {
    body,
    ...(idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } }),
  });

/** A creation's answer; undefined, and recorded as a failure, when its connection ended without one. */
async function answerTo<Body>(history: HistoryRecorder, instance: Instance, asked: Promise<Answer<Body>>) {
  const sentMs = nowMs();
  try {
    return await asked;
  } catch (error) {
    const failure = { kind: 'not-created', by: instance.name, status: 0, error: String(error) } as const;
    history.record({ ...failure, sentMs, answeredMs: nowMs() });
    return undefined;
  }
}

/** Creates, and again after each refusal that says when to come back, with the same key: so it makes one link at most. */
export async function createSurely(
  history: HistoryRecorder,
  instance: Instance,
  body: LinkBody,
  idempotencyKey: string,
): Promise<Made> {
  const { name: by } = instance;
  return until(
    async () => {
      const answer = await answerTo(history, instance, create(instance, body, idempotencyKey));
      if (answer === undefined) return undefined;
      const { status, headers, body: made, sentMs, answeredMs } = answer;
      if (status === 201) {
        history.record({ kind: 'created', by, code: made.code, url: made.url, idempotencyKey, sentMs, answeredMs });
        return made;
      }
      history.record({ kind: 'not-created', by, status, ...retryAfterOf(headers), sentMs, answeredMs });
      return undefined;
    },
    { timeoutMs: 60_000, everyMs: 50, what: `${by} to make a link` },
  );
}

/** The same for many at once. */
export async function createBatchSurely(
  history: HistoryRecorder,
  instance: Instance,
  links: readonly LinkBody[],
  idempotencyKey: string,
): Promise<readonly Made[]> {
  const { name: by } = instance;
  const headers = { 'idempotency-key': idempotencyKey };
  return until(
    async () => {
      type Results = { results: readonly { status: number; link?: Made }[] };
      const asked = ask<Results>(instance, 'POST', '/api/v1/links/batch', { body: { links }, headers });
      const answer = await answerTo(history, instance, asked);
      if (answer === undefined) return undefined;
      const { status, sentMs, answeredMs } = answer;
      const times = { sentMs, answeredMs };
      if (status !== 207) {
        history.record({ kind: 'not-created', by, status, ...retryAfterOf(answer.headers), ...times });
        return undefined;
      }
      return answer.body.results.flatMap(({ status: rowStatus, link }, row) => {
        if (link === undefined) {
          history.record({ kind: 'not-created', by, status: rowStatus, ...times });
          return [];
        }
        const key = `${idempotencyKey}#${row}`;
        history.record({ kind: 'created', by, code: link.code, url: link.url, idempotencyKey: key, ...times });
        return [link];
      });
    },
    { timeoutMs: 60_000, everyMs: 50, what: `${by} to make ${links.length} links` },
  );
}

export interface Seen {
  readonly status: number;
  readonly location: string | undefined;
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** One visit. `client` is the address that it is said to come from: many, so that no client's limit answers instead. */
export async function visit(
  instance: Instance,
  code: string,
  client: string,
  history?: HistoryRecorder,
): Promise<Seen> {
  const { status, headers, sentMs, answeredMs } = await ask(instance, 'GET', `/${code}`, {
    headers: { 'x-forwarded-for': client },
  });
  const location = headers.location === undefined ? undefined : String(headers.location);
  const where = location === undefined ? {} : { location };
  history?.record({ kind: 'read', by: instance.name, code, status, ...where, sentMs, answeredMs });
  return { status, location, sentMs, answeredMs };
}

/** The figure of a metric, all its labels that match together. */
export async function readMetric(instance: Instance, name: string, labels = ''): Promise<number> {
  const { body } = await ask<string>(instance, 'GET', '/metrics');
  const lines = body.split('\n').filter((line) => line.startsWith(`${name}${labels}`) && !line.startsWith('#'));
  if (lines.length === 0) throw new Error(`${instance.name} has no metric ${name}${labels}`);
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

function retryAfterOf(headers: Answer['headers']): { retryAfter?: string } {
  const value = headers['retry-after'];
  return value === undefined ? {} : { retryAfter: String(value) };
}
