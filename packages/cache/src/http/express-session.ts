import { ConfigurationError, type Duration, toMs } from '@spillway/kernel';
import session, { type SessionData } from 'express-session';
import { sessionName } from '../sessions/session-name.ts';
import type { SessionRecords } from '../sessions/session-records.ts';
import { jsonCodec } from '../values/json-codec.ts';

export interface ExpressSessionStoreOptions {
  /** `redisSessionRecords({ link, name })`, or `memorySessionRecords()` for one process alone. */
  readonly records: SessionRecords;
  /** How long a session lives after its last request where its cookie has no `maxAge`. Default `"1d"`. */
  readonly ttl?: Duration;
}

type Told<Result = void> = ((error: unknown, result?: Result) => void) | undefined;

/**
 * A store for `express-session`: `app.use(session({ store: expressSessionStore({ records }), ... }))`. Fails closed: trouble of the store is an
 * error of the request, never a request without its session. Of two requests that save one session the last wins, as everywhere with
 * `express-session`; but one that was destroyed does not come back by a request that was still under way.
 * @throws {ConfigurationError} for a `ttl` that is none
 */
export function expressSessionStore(options: ExpressSessionStoreOptions): session.Store {
  return new ExpressSessionStore(options);
}

class ExpressSessionStore extends session.Store {
  readonly #records: SessionRecords;
  readonly #ttlMs: number;
  readonly #codec = jsonCodec<object>();

  constructor({ records, ttl = '1d' }: ExpressSessionStoreOptions) {
    super();
    this.#records = records;
    this.#ttlMs = toMs(ttl);
    if (this.#ttlMs < 1)
      throw new ConfigurationError(`A session must live for a while, got ttl "${ttl}"; write e.g. "1d"`);
  }

  override get(id: string, told: (error: unknown, session?: SessionData | null) => void): void {
    tell(told, async () => {
      const record = await this.#records.read(sessionName(id));
      return record === undefined ? null : (this.#codec.decode(record.text) as SessionData);
    });
  }

  override set(id: string, data: SessionData, told?: Told): void {
    tell(told, async () => {
      const forMs = this.#lifeOf(data);
      if (forMs <= 0) return await this.#records.end(sessionName(id), this.#ttlMs);
      // The own fields of the session, and those of its cookie, which is an instance of a class.
      const cookie = data.cookie as { toJSON?: () => object };
      const text = this.#codec.encode({ ...data, cookie: cookie.toJSON?.() ?? { ...cookie } });
      // `ended`: another request has destroyed it meanwhile, and this one has answered.
      await this.#records.write(sessionName(id), { text, forMs, replaces: 'any' });
    });
  }

  override touch(id: string, data: SessionData, told?: Told): void {
    tell(told, async () => {
      const forMs = this.#lifeOf(data);
      if (forMs > 0) await this.#records.touch(sessionName(id), forMs);
    });
  }

  override destroy(id: string, told?: Told): void {
    tell(told, async () => await this.#records.end(sessionName(id), this.#ttlMs));
  }

  #lifeOf({ cookie }: SessionData): number {
    return typeof cookie.maxAge === 'number' ? cookie.maxAge : this.#ttlMs;
  }
}

/** By a turn of its own, so that what the callback throws is not taken for the store's. */
function tell<Result>(
  told: ((error: unknown, result?: Result) => void) | undefined,
  work: () => Promise<Result>,
): void {
  work().then(
    (result) => setImmediate(() => told?.(null, result)),
    (error: unknown) => setImmediate(() => told?.(error)),
  );
}
