import { randomBytes } from 'node:crypto';
import { type Clock, monotonicClock } from '@spillway/kernel';
import { createKeys, type RedisLink, ScriptReplyError } from '@spillway/redis';
import type { SessionRecords } from '../../sessions/session-records.ts';
import { createWriteDeadline } from '../write-deadline.ts';
import { endScript, touchScript, writeScript } from './session-scripts.ts';

export interface RedisSessionRecordsOptions {
  /** Borrowed: whoever made it closes it. Its Redis must not evict: an evicted session is over. */
  readonly link: Pick<RedisLink, 'command' | 'run' | 'onState' | 'deadlineMs'>;
  /** Whose sessions: stores of different names never meet. */
  readonly name: string;
  /** First part of every key: the deployment's own. Default `spillway`. */
  readonly prefix?: string;
  /** Intervals only; default `monotonicClock`. */
  readonly clock?: Clock;
}

const VERSION_LENGTH = 16;
const HEAD_LENGTH = 2 + VERSION_LENGTH;

/**
 * Sessions in Redis, one key each, every one with a TTL. Fails closed; what Redis forgets is over (it has the sessions only).
 * @throws {ConfigurationError} when `prefix` holds a character that keys can not
 */
export function redisSessionRecords(options: RedisSessionRecordsOptions): SessionRecords {
  const { link, name: owner, prefix = 'spillway', clock = monotonicClock } = options;
  const keyOf = createKeys({ prefix, package: 'session', version: 1 });
  const key = (name: string): string => keyOf(name, owner);
  const deadline = createWriteDeadline(link, clock);
  return {
    async read(name) {
      const raw = await link.command<string | null>('GET', [key(name)]);
      if (raw === null || raw === '1E') return undefined;
      if (!raw.startsWith('1V') || raw.length < HEAD_LENGTH)
        throw new ScriptReplyError('session.read', 'a session', raw);
      return { version: raw.slice(2, HEAD_LENGTH), text: raw.slice(HEAD_LENGTH) };
    },
    async write(name, { text, forMs, replaces }) {
      const version = randomBytes(VERSION_LENGTH / 2).toString('hex');
      const outcome = await link.run(writeScript, {
        key: key(name),
        notAfterMs: await deadline.notAfterMs(),
        replaces: typeof replaces === 'string' ? replaces : replaces.version,
        version,
        text,
        forMs: Math.ceil(forMs),
      });
      if (outcome === 'late') throw deadline.late('session.write');
      return outcome === 'written' ? { outcome, version } : { outcome };
    },
    async touch(name, forMs) {
      const notAfterMs = await deadline.notAfterMs();
      const outcome = await link.run(touchScript, { key: key(name), notAfterMs, forMs: Math.ceil(forMs) });
      if (outcome === 'late') throw deadline.late('session.touch');
      return outcome === 'prolonged';
    },
    async end(name, rememberMs) {
      await link.run(endScript, { key: key(name), forMs: Math.ceil(rememberMs) });
    },
  };
}
