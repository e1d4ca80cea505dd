import { ScriptReplyError } from '../errors.ts';
import { defineScript, integers } from '../script/define-script.ts';
import { acquireLua, releaseLua, renewLua } from './lock.lua.ts';

/** The last token is kept this long after a lock was last taken; after that the clock alone orders the tokens. */
const KEEP_TOKEN_MS = 7 * 86_400_000;

interface Holding {
  readonly lockKey: string;
  readonly holder: string;
}

export const acquireScript = defineScript({
  name: 'redis.lock-acquire',
  source: acquireLua,
  keys: (input: Holding & { tokenKey: string; leaseMs: number }) => [input.lockKey, input.tokenKey],
  args: (input) => [input.holder, input.leaseMs, KEEP_TOKEN_MS],
  reply: (raw): { taken: true; token: number } | { taken: false; leftMs: number } => {
    const [taken = 0, value = 0] = integers('redis.lock-acquire', raw, 2);
    return taken === 1 ? { taken: true, token: value } : { taken: false, leftMs: value };
  },
});

export const renewScript = defineScript({
  name: 'redis.lock-renew',
  source: renewLua,
  keys: (input: Holding & { leaseMs: number }) => [input.lockKey],
  args: (input) => [input.holder, input.leaseMs],
  reply: (raw) => flag('redis.lock-renew', raw),
});

export const releaseScript = defineScript({
  name: 'redis.lock-release',
  source: releaseLua,
  keys: (input: Holding) => [input.lockKey],
  args: (input) => [input.holder],
  reply: (raw) => flag('redis.lock-release', raw),
});

function flag(script: string, raw: unknown): boolean {
  if (raw !== 0 && raw !== 1) throw new ScriptReplyError(script, '0 or 1', raw);
  return raw === 1;
}
