import { defineScript, integers, ScriptReplyError } from '@spillway/redis';
import { releaseLeaseLua, renewLeaseLua, takeLeaseLua } from './lease.lua.ts';
import { toMilliseconds } from './scripts.ts';

interface LeaseKeys {
  readonly entryKey: string;
  readonly leaseKey: string;
}

export interface TakeInput extends LeaseKeys {
  readonly seen: string;
  readonly token: string;
  readonly claimMs: number;
  readonly leaseMs: number;
}

export type TakeReply = {
  /** The server's clock. */
  readonly nowMs: number;
} & (
  | { readonly kind: 'leased'; readonly token: string }
  | { readonly kind: 'loading'; readonly token: string; readonly leftMs: number }
  | { readonly kind: 'moved'; readonly entry: string }
);

export const takeLeaseScript = defineScript<TakeInput, TakeReply>({
  name: 'cache.lease.take',
  source: takeLeaseLua,
  keys: ({ entryKey, leaseKey }) => [entryKey, leaseKey],
  args: ({ seen, token, claimMs, leaseMs }) => [seen, token, claimMs, leaseMs],
  reply(raw) {
    const [kind, text, leftMs, ...time] = Array.isArray(raw) ? (raw as unknown[]) : [];
    if (typeof text === 'string') {
      const nowMs = toMilliseconds('cache.lease.take', time);
      if (kind === 'leased') return { kind, token: text, nowMs };
      if (kind === 'loading') return { kind, token: text, leftMs: Number(leftMs), nowMs };
      if (kind === 'moved') return { kind, entry: text, nowMs };
    }
    throw new ScriptReplyError('cache.lease.take', 'a lease, a holder or an entry', raw);
  },
});

export interface RenewInput extends LeaseKeys {
  readonly token: string;
  readonly leaseMs: number;
}

export const renewLeaseScript = defineScript<RenewInput, 'renewed' | 'lost'>({
  name: 'cache.lease.renew',
  source: renewLeaseLua,
  keys: ({ entryKey, leaseKey }) => [entryKey, leaseKey],
  args: ({ token, leaseMs }) => [token, leaseMs],
  reply: (raw) => (integers('cache.lease.renew', [raw], 1)[0] === 1 ? 'renewed' : 'lost'),
});

export interface ReleaseInput {
  readonly leaseKey: string;
  readonly token: string;
}

const RELEASED = ['lost', 'unwaited', 'waited'] as const;

export const releaseLeaseScript = defineScript<ReleaseInput, (typeof RELEASED)[number]>({
  name: 'cache.lease.release',
  source: releaseLeaseLua,
  keys: ({ leaseKey }) => [leaseKey],
  args: ({ token }) => [token],
  reply(raw) {
    const [at = -1] = integers('cache.lease.release', [raw], 1);
    const released = RELEASED[at];
    if (released === undefined) throw new ScriptReplyError('cache.lease.release', '0, 1 or 2', raw);
    return released;
  },
});
