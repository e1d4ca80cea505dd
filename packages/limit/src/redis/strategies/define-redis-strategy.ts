import type { Verdict } from '../../core/decision.ts';
import type { OwnStrategy } from '../../strategies/own/define-strategy.ts';
import type { OwnPolicy } from '../../strategies/own/own-policy.ts';
import type { AnyRedisStrategy, Numbers } from './redis-strategy.ts';

export interface RedisDefinition<P extends OwnPolicy> {
  /**
   * The body of a Lua function that returns a table. It sees `now` (microseconds), `call`, `format`, `match`, `find`, `sub`, and
   * `get(key)`, `set(key, text, until_us)`, `drop(key)`, `put(integer)`, `whole(integer)` as text, `nonsense()`. `p` is the list of the
   * policy's `args`, a `state` is a table:
   *
   * - `read(p, key)` the state, always one; or `nil, until` where `get` returned that: the key is blocked. It writes nothing
   * - `fits(p, state, cost)` whether a take is allowed; it writes nothing
   * - `take(p, key, state, cost)` writes it by `set`, which gives it a time to live, and returns the state after it
   * - `stand(p, key, state, cost)` puts the numbers that `verdict` reads; `cost` is 0 unless it was refused
   * - `refund(p, key, state, cost, at)` writes what is left, or drops the key; `at` is when it was taken, or nil
   *
   * What it keeps under a key is text that begins with a digit. It touches no other keys, and asks no other clock.
   */
  readonly lua: string;
  /** What the Lua has to know of a policy: integers from 0 to 2^53, the same for every take. */
  args(policy: P): readonly number[];
  /** Words for what Redis decided, from the numbers that `stand` put: `verdictOf` finds them. */
  verdict(policy: P, outcome: 'allowed' | 'denied', cost: number, numbers: Numbers): Verdict;
}

export interface OwnRedisStrategy extends AnyRedisStrategy {
  readonly strategy: `own:${string}`;
}

/**
 * A strategy of your own in Redis: the pure step once more, in Lua, for `redisLimitStore({ link, strategies })`. `limitStoreSuite` with its
 * `own` holds the two together.
 */
export function defineRedisStrategy<P extends OwnPolicy>(
  strategy: OwnStrategy<P, never>,
  { lua, args, verdict }: RedisDefinition<P>,
): OwnRedisStrategy {
  // Its name holds no character that Lua text or a key would have to escape, and none of this package's has more than one letter.
  const letter = strategy.name.replace(':', '-');
  return { strategy: strategy.name, letter, lua, args, verdict } as OwnRedisStrategy;
}
