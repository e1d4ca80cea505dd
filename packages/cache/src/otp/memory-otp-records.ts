import { monotonicClock } from '@spillway/kernel';
import { createExpiringMap } from '../secrets/expiring-map.ts';
import type { MemoryRecordsOptions } from '../secrets/memory-records-options.ts';
import type { OtpRecord, OtpRecords } from './otp-records.ts';

/**
 * One-time passwords in the memory of **this process alone**: gone when it ends, unknown to every other. For one process, and for
 * tests; with several, a code is only good at the one that issued it.
 */
export function memoryOtpRecords({
  maxEntries = 100_000,
  clock = monotonicClock,
}: MemoryRecordsOptions = {}): OtpRecords {
  const what = 'The memory for one-time passwords';
  const codes = createExpiringMap<{ readonly record: OtpRecord; left: number }>(what, maxEntries, clock);
  return {
    async put(subject, record, attempts, forMs) {
      codes.set(subject, { record, left: attempts }, forMs);
    },
    async attempt(subject) {
      const code = codes.get(subject);
      if (code === undefined) return { outcome: 'none' };
      if (code.left < 1) return { outcome: 'exhausted' };
      code.left -= 1;
      return { outcome: 'counted', record: code.record, left: code.left };
    },
    async consume(subject, { salt }) {
      const isThis = codes.get(subject)?.record.salt === salt;
      if (isThis) codes.delete(subject);
      return isThis;
    },
    async revoke(subject) {
      codes.delete(subject);
    },
  };
}
