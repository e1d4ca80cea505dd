import { createKeys } from '@spillway/redis';
import type { Policy } from '../strategies/policy.ts';
import type { RedisStrategies } from './strategies/all.ts';
import type { AnyRedisStrategy } from './strategies/redis-strategy.ts';

/** Policies that are taken from together, as the script is told of them. */
export interface PolicySet {
  readonly policies: readonly Policy[];
  /** Of each of them. */
  readonly strategies: readonly AnyRedisStrategy[];
  /** Of the keys, after the subject. */
  readonly suffixes: readonly string[];
  /** Some of them hold by id, or all do. */
  readonly holds: 'none' | 'some' | 'all';
  /** What the script is told, at a moment of its clock. */
  textAt(aroundUs: number): string;
  /** For a moment of each of them, or 0 for `aroundUs`. */
  textFor(momentsUs: readonly number[], aroundUs: number): string;
}

/** Keys of one subject share a slot: `prefix:limit:v2:{subject}:b:name`, with one letter for the strategy. */
export interface LimitKeys {
  /** Up to the hash tag, which it ends with. */
  subject(subject: string): string;
  suffix(letter: string, name: string): string;
}

/** @throws {ConfigurationError} when `prefix` holds a character that keys can not */
export function limitKeys(prefix: string): LimitKeys {
  const keyOf = createKeys({ prefix, package: 'limit', version: 2 });
  const { length } = keyOf('x');
  return { subject: (subject) => keyOf(subject), suffix: (letter, name) => keyOf('x', letter, name).slice(length) };
}

export function policySet(policies: readonly Policy[], keys: LimitKeys, known: RedisStrategies): PolicySet {
  const strategies = policies.map(known.of);
  const holding = policies.filter(({ strategy }) => strategy === 'concurrency').length;
  const textFor = (momentsUs: readonly number[], aroundUs: number): string =>
    JSON.stringify(
      policies.map((policy, at) => {
        const strategy = strategies[at] as AnyRedisStrategy;
        return [strategy.letter, strategy.args(policy, momentsUs[at] || aroundUs)];
      }),
    );
  let text: string | undefined;
  let [fromUs, toUs] = [0, 0];
  return {
    policies,
    strategies,
    suffixes: policies.map(({ name }, at) => keys.suffix(strategies[at]?.letter ?? '', name)),
    holds: holding === 0 ? 'none' : holding === policies.length ? 'all' : 'some',
    textAt(aroundUs) {
      if (text !== undefined && fromUs <= aroundUs && aroundUs < toUs) return text;
      [fromUs, toUs] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      for (const [at, policy] of policies.entries()) {
        const serves = strategies[at]?.servesUntil?.(policy, aroundUs);
        if (serves === undefined) continue;
        fromUs = Math.max(fromUs, serves.fromUs);
        toUs = Math.min(toUs, serves.toUs);
      }
      text = textFor([], aroundUs);
      return text;
    },
    textFor,
  };
}
