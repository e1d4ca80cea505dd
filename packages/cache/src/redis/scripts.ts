import { defineScript, integers, ScriptReplyError } from '@spillway/redis';
import { claimLua } from './claim.lua.ts';
import { fillLua } from './fill.lua.ts';
import { invalidateLua } from './invalidate.lua.ts';
import { touchLua } from './touch.lua.ts';

export interface ClaimInput {
  readonly key: string;
  readonly claim: string;
  readonly forMs: number;
}

export interface ClaimReply {
  /** What stands under the key now. */
  readonly entry: string;
  /** The server's clock. */
  readonly nowMs: number;
}

export const claimScript = defineScript<ClaimInput, ClaimReply>({
  name: 'cache.claim',
  source: claimLua,
  keys: ({ key }) => [key],
  args: ({ claim, forMs }) => [claim, forMs],
  reply(raw) {
    const [entry, ...time] = Array.isArray(raw) ? (raw as unknown[]) : [];
    if (typeof entry !== 'string') throw new ScriptReplyError('cache.claim', 'an entry and a time', raw);
    return { entry, nowMs: toMilliseconds('cache.claim', time) };
  },
});

export interface FillInput {
  readonly key: string;
  readonly token: string;
  readonly entry: string;
  readonly forMs: number;
}

export const fillScript = defineScript<FillInput, 'filled' | 'refused'>({
  name: 'cache.fill',
  source: fillLua,
  keys: ({ key }) => [key],
  args: ({ token, entry, forMs }) => [token, entry, forMs],
  reply: (raw) => (integers('cache.fill', [raw], 1)[0] === 1 ? 'filled' : 'refused'),
});

export interface TouchInput {
  readonly key: string;
  readonly token: string;
  /** As in the entry. */
  readonly freshUntil: string;
  readonly forMs: number;
}

export const touchScript = defineScript<TouchInput, 'touched' | 'refused'>({
  name: 'cache.touch',
  source: touchLua,
  keys: ({ key }) => [key],
  args: ({ token, freshUntil, forMs }) => [token, freshUntil, forMs],
  reply: (raw) => (integers('cache.touch', [raw], 1)[0] === 1 ? 'touched' : 'refused'),
});

export interface InvalidateInput {
  readonly key: string;
  readonly mark: string;
  readonly forMs: number;
}

export const invalidateScript = defineScript<InvalidateInput, void>({
  name: 'cache.invalidate',
  source: invalidateLua,
  keys: ({ key }) => [key],
  args: ({ mark, forMs }) => [mark, forMs],
  reply: (raw) => void integers('cache.invalidate', [raw], 1),
});

/** A reply of TIME: seconds and microseconds. */
export function toMilliseconds(operation: string, raw: unknown): number {
  const [seconds = 0, micros = 0] = integers(operation, raw, 2);
  return seconds * 1_000 + micros / 1_000;
}
