import { defineScript, type RedisArgument, type RedisScript, ScriptReplyError } from '@spillway/redis';
import { LATE_US } from '../store.ts';
import { limitLua } from './limit.lua.ts';
import type { Member } from './member.ts';
import type { PolicySet } from './policy-set.ts';
import type { AnyRedisStrategy } from './strategies/redis-strategy.ts';

export interface LimitInput {
  /** All in one slot, at most 256. */
  readonly members: readonly Member[];
  /** Undefined: the server's. */
  readonly nowUs: number | undefined;
  /** The store's clock, as far as it is known here; `heard` says whether never later than it is. */
  readonly aroundUs: number;
  readonly heard: boolean;
}

export const LIMIT_SCRIPT = 'limit';

export type LimitScript = RedisScript<LimitInput, readonly unknown[]>;

/** One script for all strategies, any number of policies and many callers. */
export const limitScript = (strategies: readonly AnyRedisStrategy[]): LimitScript =>
  defineScript<LimitInput, readonly unknown[]>({
    name: LIMIT_SCRIPT,
    source: limitLua(strategies),
    keys: ({ members }) => (members.length === 1 && members[0] ? members[0].keys : members.flatMap(({ keys }) => keys)),
    args({ members, nowUs, aroundUs, heard }) {
      const args: RedisArgument[] = [nowUs ?? '', 0];
      const texts: string[] = [];
      const calls: RedisArgument[] = [];
      let last = '';
      let times = 0;
      let lastSet: PolicySet | undefined;
      let place = 0;
      for (const member of members) {
        if (member.set !== lastSet || member.moments !== undefined) {
          const { set, moments } = member;
          const text = moments === undefined ? set.textAt(aroundUs) : set.textFor(moments, aroundUs);
          place = texts.indexOf(text) + 1 || texts.push(text);
          lastSet = moments === undefined ? set : undefined;
        }
        const call = callOf(member, place, heard ? aroundUs + LATE_US : 0);
        if (call === last) {
          times += 1;
          calls[calls.length - 2] = times;
        } else {
          last = call;
          times = 1;
          calls.push(1, call);
        }
      }
      args[1] = texts.length;
      args.push(...texts, ...calls);
      return args;
    },
    reply(raw) {
      if (!Array.isArray(raw)) throw new ScriptReplyError(LIMIT_SCRIPT, 'an array', raw);
      return raw;
    },
  });

function callOf({ what, number, takenAtUs, id, reserve }: Member, place: number, notAfterUs: number): string {
  if (reserve !== undefined) {
    const owed = (reserve.owed ?? []).map(({ units, atUs }) => ` ${units}:${atUs}`);
    return `v${place} ${number} ${reserve.want} ${reserve.parts}${owed.join('')}`;
  }
  if (id === undefined && takenAtUs === undefined) return `${what}${place} ${number}`;
  return `${what}${place} ${number} ${what === 'o' ? notAfterUs : (takenAtUs ?? '')} ${id ?? ''}`;
}
