import type { Verdict } from '../../core/decision.ts';
import type { BuiltInName, Policy, PolicyOf } from '../../strategies/policy.ts';

/** The integers that a script replied; `take` reads the next one. */
export interface Numbers {
  take(): number;
}

/**
 * One strategy in Redis: its pure step once more, in Lua, and how a policy and a verdict travel. To add a strategy: this, a line
 * in `all.ts`, and `limitStoreSuite` with the property of redis-agreement.test.ts, which hold the two steps together.
 *
 * The snippet is the body of a Lua function that returns a table. It sees what `limit.lua.ts` defines before it (`now`, `call`,
 * `get`, `set`, `drop`, `nonsense`, `ttl`, ...), and `p`, a policy, is the list of its `args`:
 *
 * - `read(p, key)` the state, always one; or `nil, until` while the key is blocked; or `nil, nil, moment` to be asked again with
 *   arguments for that moment. It writes nothing: a refusal costs nothing.
 * - `fits(p, state, cost, id)` whether a take is allowed
 * - `take(p, key, state, cost, id)` writes it, with a time to live, and returns the state after it
 * - `stand(p, key, state, cost)` puts the numbers that `verdict` reads
 * - `refund(p, key, state, cost, at, id)` writes what is left; `at` and `id` may be nil
 * - of those that take leases: `left(p, state)` the units left; `window_left(p, state)`, where there are windows, how long what is
 *   taken now may be spent later; `hand_over(p, key, state, units, at)` charges what was used elsewhere at that moment, as far as there is
 *   room, and returns the state after it
 * - `block(key, until_us)` only where a state is no string
 * - `holds = true` where ids are kept by the strategy itself: a repeated take reaches it
 */
export interface RedisStrategy<Name extends BuiltInName = BuiltInName> {
  /** Stands in keys and arguments: one letter, never given to another strategy or format. */
  readonly letter: string;
  readonly lua: string;
  /** The policy as integers from 0 to 2^53, the same for every take. */
  args(policy: PolicyOf<Name>, aroundUs: number): readonly number[];
  /** Whether `args` change with time: until when they serve. */
  servesUntil?(policy: PolicyOf<Name>, aroundUs: number): { readonly fromUs: number; readonly toUs: number };
  /** Words for what Redis decided. */
  verdict(policy: PolicyOf<Name>, outcome: 'allowed' | 'denied', cost: number, numbers: Numbers): Verdict;
}

export type AnyRedisStrategy = RedisStrategy<never> & {
  args(policy: Policy, aroundUs: number): readonly number[];
  servesUntil?(policy: Policy, aroundUs: number): { readonly fromUs: number; readonly toUs: number };
  verdict(policy: Policy, outcome: 'allowed' | 'denied', cost: number, numbers: Numbers): Verdict;
};
