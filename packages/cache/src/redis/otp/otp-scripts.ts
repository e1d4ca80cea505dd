import { defineScript, integers, ScriptReplyError } from '@spillway/redis';
import type { OtpAttempt, OtpRecord } from '../../otp/otp-records.ts';
import { attemptLua, consumeLua, putLua } from './otp.lua.ts';

interface PutInput {
  readonly key: string;
  readonly notAfterMs: number;
  readonly record: OtpRecord;
  readonly attempts: number;
  readonly forMs: number;
}

export const putScript = defineScript({
  name: 'otp.put',
  source: putLua,
  keys: ({ key }: PutInput) => [key],
  args: ({ notAfterMs, record, attempts, forMs }) => [notAfterMs, record.salt, record.digest, attempts, forMs],
  reply(raw): 'put' | 'late' {
    if (raw !== 'put' && raw !== 'late') throw new ScriptReplyError('otp.put', 'put or late', raw);
    return raw;
  },
});

export const attemptScript = defineScript({
  name: 'otp.attempt',
  source: attemptLua,
  keys: ({ key }: { key: string }) => [key],
  args: () => [],
  reply(raw): OtpAttempt {
    const [salt, digest, left] = Array.isArray(raw) ? (raw as unknown[]) : [];
    if (digest === undefined && (salt === 'none' || salt === 'exhausted')) return { outcome: salt };
    if (typeof salt !== 'string' || typeof digest !== 'string' || !Number.isSafeInteger(left)) {
      throw new ScriptReplyError('otp.attempt', 'a salt, a digest and a count', raw);
    }
    return { outcome: 'counted', record: { salt, digest }, left: left as number };
  },
});

export const consumeScript = defineScript({
  name: 'otp.consume',
  source: consumeLua,
  keys: ({ key }: { key: string; salt: string }) => [key],
  args: ({ salt }) => [salt],
  reply: (raw) => integers('otp.consume', [raw], 1)[0] === 1,
});
