import { randomBytes } from 'node:crypto';
import { ConfigurationError, type Duration, toMs } from '@spillway/kernel';
import type { CacheCodec } from '../values/codec.ts';
import { jsonCodec } from '../values/json-codec.ts';
import { sessionName } from './session-name.ts';
import type { SessionRecords } from './session-records.ts';

export interface SessionStoreOptions<Data> {
  /** `redisSessionRecords({ link, name })`, or `memorySessionRecords()` for one process alone. */
  readonly records: SessionRecords;
  /** How long a session lives after it was last started, saved or touched. */
  readonly ttl: Duration;
  /** Default: JSON that keeps Date, Map, Set, BigInt and bytes. */
  readonly codec?: CacheCodec<Data>;
}

export interface Session<Data> {
  /** 256 random bits, for a cookie: whoever has it is in. Only a digest of it is stored. */
  readonly id: string;
  readonly data: Data;
  /** Of the data; `save` compares it. */
  readonly version: string;
}

/** `conflict`: somebody saved since this session was read; read it again. `ended`: it is over, and was not saved. */
export type Saved<Data> =
  | { readonly outcome: 'saved'; readonly session: Session<Data> }
  | { readonly outcome: 'conflict' | 'ended' };

/**
 * Sessions that fail closed: what can not be read is an error, never "no session" and never an old one.
 * Every method rejects with `StoreUnavailableError` when the store does not answer; then a write may or may not have happened.
 */
export interface SessionStore<Data> {
  /** A new session, with an id that nobody had before. Start another one when its user's rights change. */
  start(data: Data): Promise<Session<Data>>;
  /** Undefined when there is none: never started, over, or ended. `data` is a copy of one's own. Does not prolong it: see `touch`. */
  get(id: string): Promise<Session<Data> | undefined>;
  /** Replaces the data that was read, and prolongs the session. */
  save(session: Pick<Session<Data>, 'id' | 'version'>, data: Data): Promise<Saved<Data>>;
  /** Prolongs it to a whole `ttl` from now. */
  touch(id: string): Promise<'prolonged' | 'ended'>;
  /** It is over, on every instance, once this has resolved; what saves it at this moment does not bring it back. */
  end(id: string): Promise<void>;
}

const ID = /^[\w-]{43}$/;

/** @throws {ConfigurationError} for a `ttl` that is none */
export function createSessionStore<Data>(options: SessionStoreOptions<Data>): SessionStore<Data> {
  const { records, codec = jsonCodec<Data>() } = options;
  const ttlMs = toMs(options.ttl);
  if (ttlMs < 1)
    throw new ConfigurationError(`A session must live for a while, got ttl "${options.ttl}"; write e.g. "30m"`);
  return {
    async start(data) {
      const id = randomBytes(32).toString('base64url');
      const written = await records.write(sessionName(id), { text: codec.encode(data), forMs: ttlMs, replaces: 'new' });
      // Not by chance: the random numbers of this machine repeat.
      if (written.outcome !== 'written')
        throw new Error('A session id that was just made is taken; do not trust this machine');
      return { id, data, version: written.version };
    },
    async get(id) {
      // Whatever else a cookie holds was never an id.
      if (!ID.test(id)) return undefined;
      const record = await records.read(sessionName(id));
      return record && { id, data: codec.decode(record.text), version: record.version };
    },
    async save({ id, version }, data) {
      const write = { text: codec.encode(data), forMs: ttlMs, replaces: { version } };
      const written = await records.write(sessionName(id), write);
      if (written.outcome !== 'written') return { outcome: written.outcome };
      return { outcome: 'saved', session: { id, data, version: written.version } };
    },
    async touch(id) {
      return ID.test(id) && (await records.touch(sessionName(id), ttlMs)) ? 'prolonged' : 'ended';
    },
    async end(id) {
      if (ID.test(id)) await records.end(sessionName(id), ttlMs);
    },
  };
}
