import { setTimeout as pause } from 'node:timers/promises';
import { type Dispatcher, Pool } from 'undici';
import { CliError, EXIT } from './failure.ts';
import { headerFault } from './header-text.ts';

export interface ServiceOptions {
  readonly server?: string;
  readonly key?: string;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses that are an answer and no failure, besides 2xx. */
  readonly expect?: readonly number[];
  /** Those that are an answer once an earlier one was lost: the call had been carried out. */
  readonly expectAfterLoss?: readonly number[];
  /** For a call that must not be carried out twice: what to do when its answer is lost. It is not asked again then. */
  readonly remedyOfLoss?: string;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A running service, by its API. */
export interface Service {
  /** Without a trailing slash. */
  readonly url: string;
  /**
   * Calls the API under `/api/v1`. A service that is away, starting or busy (429, 502, 503, 504) is asked again for 30 s;
   * with `remedyOfLoss` only after 429, which carries nothing out.
   * @throws {CliError} with the problem's detail and its remedy
   */
  call(method: Dispatcher.HttpMethod, path: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

const PATIENCE_MS = 30_000;
const BUSY = new Set([429, 502, 503, 504]);

/**
 * The service that the options, or else the environment, name. Does not connect yet.
 * @throws {CliError} when the URL is none, or the key holds what can not be sent
 */
export function openService(options: ServiceOptions, connections = 4): Service {
  const url = serverUrl(options.server);
  const key = serviceKey(options.key);
  const pool = new Pool(url.origin, { connections, headersTimeout: 60_000, bodyTimeout: 60_000 });
  const once = async (method: Dispatcher.HttpMethod, path: string, given: CallOptions) => {
    const response = await pool.request({
      method,
      path: `/api/v1${path}`,
      headers: {
        accept: 'application/json',
        ...(key === undefined ? {} : { 'x-api-key': key }),
        ...(given.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...given.headers,
      },
      body: given.body === undefined ? null : JSON.stringify(given.body),
      ...(given.signal === undefined ? {} : { signal: given.signal }),
    });
    const text = await response.body.text();
    return { status: response.statusCode, headers: response.headers, body: parsed(text) };
  };
  return {
    url: url.origin,
    async call(method, path, given = {}) {
      const deadline = performance.now() + PATIENCE_MS;
      const expected = [...(given.expect ?? [])];
      const loses = (failure: CliError) => {
        if (given.remedyOfLoss !== undefined) {
          throw new CliError(`${failure.message}\n${given.remedyOfLoss}`, { cause: failure });
        }
        expected.push(...(given.expectAfterLoss ?? []));
      };
      for (let attempt = 0; ; attempt += 1) {
        const last = performance.now() >= deadline;
        let waitMs = Math.min(2000, 50 * 2 ** attempt) * (0.5 + Math.random() / 2);
        try {
          const { status, headers, body } = await once(method, path, given);
          if ((status >= 200 && status < 300) || expected.includes(status)) return { status, body };
          const refused = refusal(status, body, url.origin);
          if (!BUSY.has(status)) throw refused;
          // From a proxy, or of a database that went away at the commit, the others tell nothing of what was done.
          if (status !== 429) loses(refused);
          if (last) throw refused;
          waitMs = Math.max(waitMs, Number(headers['retry-after'] ?? 0) * 1000);
        } catch (error) {
          if (error instanceof CliError || given.signal?.aborted) throw error;
          const unanswered = unreachable(url.origin, error);
          if (isHopeless(error)) throw unanswered;
          loses(unanswered);
          if (last) throw unanswered;
        }
        await pause(waitMs, undefined, given.signal === undefined ? {} : { signal: given.signal });
      }
    },
    close: () => pool.destroy(),
  };
}

function serverUrl(given: string | undefined): URL {
  const text = given ?? process.env.SPILLWAY_SERVER ?? `http://localhost:${process.env.PORT ?? 8080}`;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '') {
    throw new CliError(`--server must be a URL like http://localhost:8080, got "${text}"`, { exitCode: EXIT.usage });
  }
  return url;
}

function serviceKey(given: string | undefined): string | undefined {
  const key = given ?? process.env.SPILLWAY_KEY ?? process.env.ADMIN_KEY;
  const fault = headerFault(key ?? '');
  if (fault === undefined) return key;
  // Not the key itself: what is said here may end in a log.
  throw new CliError(
    `The key (--key, SPILLWAY_KEY or ADMIN_KEY) must be visible ASCII, as "keys create" shows it, got ${fault} in it; a line end or a blank that came along is to be taken off`,
    { exitCode: EXIT.usage },
  );
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** Nothing listens there, or the name does not exist: waiting half a minute would only hide it. */
const isHopeless = (error: unknown): boolean =>
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ERR_TLS|CERT|DEPTH|SELF)/.test(codeOf(error));

export function unreachable(url: string, cause: unknown): CliError {
  const why = codeOf(cause) || (cause instanceof Error ? cause.message : String(cause));
  return new CliError(
    `No service answers at ${url} (${why}). Start one with "npm start", or name another with --server or SPILLWAY_SERVER.`,
    { cause },
  );
}

function refusal(status: number, body: unknown, url: string): CliError {
  const problem = problemText(body) ?? `status ${status}`;
  const remedy = status === 401 || status === 403 ? ' Give a key that may do this with --key or SPILLWAY_KEY.' : '';
  return new CliError(`${url} refused: ${problem}.${remedy}`);
}

/** A problem document in one line; undefined when `body` is none. */
export function problemText(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { title, detail, errors } = body as { title?: unknown; detail?: unknown; errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) {
    return errors.map((each: { field?: unknown; message?: unknown }) => `${each.field}: ${each.message}`).join('; ');
  }
  const text = typeof detail === 'string' ? detail : typeof title === 'string' ? title : undefined;
  return text?.replace(/\.$/, '');
}
