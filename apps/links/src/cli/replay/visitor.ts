import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { REPLAY_TIME_HEADER } from '../../clicks/replay-time.ts';
import type { MadeLink } from '../batch-api.ts';
import { CliError } from '../failure.ts';
import { toHeaderText } from '../header-text.ts';
import type { LogEntry } from './access-log.ts';

/** Asks for short links as the clients of a log did. */
export interface Visitor {
  /** The status of the answer; undefined when there was none within the patience. */
  visit(link: MadeLink, entry: LogEntry): Promise<number | undefined>;
  /** @throws {CliError} when the service would not take a click's time from its header */
  assertTimesBelieved(link: MadeLink, entry: LogEntry): Promise<void>;
  /** Requests sent again: because the service was busy, and because an answer was lost (that click may count twice). */
  readonly again: { readonly busy: number; readonly lost: number };
  close(): Promise<void>;
}

const PATIENCE_MS = 60_000;

export function openVisitor(
  url: string,
  options: { readonly connections: number; readonly times: 'log' | 'now'; readonly signal: AbortSignal },
): Visitor {
  const pool = new Pool(url, { connections: options.connections, pipelining: 1, headersTimeout: 30_000 });
  const again = { busy: 0, lost: 0 };
  const ask = async (method: 'GET' | 'HEAD', link: MadeLink, entry: LogEntry) => {
    const { statusCode, headers, body } = await pool.request({
      method,
      path: `/${encodeURIComponent(link.code)}`,
      headers: headersOf(link, entry, options.times),
      signal: options.signal,
    });
    await body.dump();
    return { status: statusCode, headers };
  };
  return {
    async visit(link, entry) {
      const deadline = performance.now() + PATIENCE_MS;
      for (let attempt = 0; ; attempt += 1) {
        let waitMs = Math.min(1000, 20 * 2 ** attempt) * (0.5 + Math.random() / 2);
        let status: number | undefined;
        try {
          const answer = await ask('GET', link, entry);
          status = answer.status;
          if (status !== 429 && status !== 503) return status;
          waitMs = Math.max(waitMs, Number(answer.headers['retry-after'] ?? 0) * 1000);
        } catch (error) {
          if (options.signal.aborted) throw error;
          // A refused connection carried nothing; anything else may have been counted before the answer was lost.
          if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') again.lost += 1;
        }
        if (performance.now() + waitMs >= deadline) return status;
        if (status !== undefined) again.busy += 1;
        await pause(waitMs, undefined, { signal: options.signal });
      }
    },
    async assertTimesBelieved(link, entry) {
      // HEAD is answered like GET and is no click.
      const { headers } = await ask('HEAD', link, entry);
      if (headers[REPLAY_TIME_HEADER] !== undefined) return;
      throw new CliError(
        `${url} does not take the times of the log. Start it with ALLOW_REPLAY_TIME=true and this machine in TRUSTED_PROXIES (e.g. "loopback"), or let the clicks count as of now with --times now.`,
      );
    },
    again,
    close: () => pool.destroy(),
  };
}

function headersOf({ domain }: MadeLink, entry: LogEntry, times: 'log' | 'now'): Record<string, string> {
  return {
    // Links live on their own hosts, wherever the service is reached.
    host: domain,
    'x-forwarded-for': entry.ip,
    ...(times === 'log' ? { [REPLAY_TIME_HEADER]: new Date(entry.atMs).toISOString() } : {}),
    ...(entry.userAgent === undefined ? {} : { 'user-agent': toHeaderText(entry.userAgent) }),
    ...(entry.referrer === undefined ? {} : { referer: toHeaderText(entry.referrer) }),
  };
}
