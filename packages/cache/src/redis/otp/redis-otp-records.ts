import { type Clock, monotonicClock } from '@spillway/kernel';
import { createKeys, type RedisLink } from '@spillway/redis';
import type { OtpRecords } from '../../otp/otp-records.ts';
import { createWriteDeadline } from '../write-deadline.ts';
import { attemptScript, consumeScript, putScript } from './otp-scripts.ts';

export interface RedisOtpRecordsOptions {
  /** Borrowed: whoever made it closes it. Its Redis must not evict: an evicted code is void. */
  readonly link: Pick<RedisLink, 'command' | 'run' | 'onState' | 'deadlineMs'>;
  /** First part of every key: the deployment's own. Default `spillway`. */
  readonly prefix?: string;
  /** Intervals only; default `monotonicClock`. */
  readonly clock?: Clock;
}

/**
 * One-time passwords in Redis, one key each, every one with a TTL. Fails closed; what Redis forgets is void.
 * @throws {ConfigurationError} when `prefix` holds a character that keys can not
 */
export function redisOtpRecords(options: RedisOtpRecordsOptions): OtpRecords {
  const { link, prefix = 'spillway', clock = monotonicClock } = options;
  const key = createKeys({ prefix, package: 'otp', version: 1 });
  const deadline = createWriteDeadline(link, clock);
  return {
    async put(subject, record, attempts, forMs) {
      const notAfterMs = await deadline.notAfterMs();
      const input = { key: key(subject), notAfterMs, record, attempts, forMs: Math.ceil(forMs) };
      if ((await link.run(putScript, input)) === 'late') throw deadline.late('otp.put');
    },
    attempt: (subject) => link.run(attemptScript, { key: key(subject) }),
    consume: (subject, { salt }) => link.run(consumeScript, { key: key(subject), salt }),
    async revoke(subject) {
      await link.command('UNLINK', [key(subject)]);
    },
  };
}
