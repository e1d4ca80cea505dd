import { isRecord, parsePolicy, refused, show } from '../core/parse-policy.ts';
import { parseConcurrency } from './concurrency/policy.ts';
import { parseFixedWindow } from './fixed-window/policy.ts';
import { parseGcra } from './gcra/policy.ts';
import type { AnyPolicy, PolicyOf, StrategyName } from './policy.ts';
import { parseQuota } from './quota/policy.ts';
import { parseSlidingLog } from './sliding-log/policy.ts';
import { parseSlidingWindow } from './sliding-window/policy.ts';

const parsers: { readonly [Name in StrategyName]: (input: unknown) => PolicyOf<Name> } = {
  'token-bucket': parsePolicy,
  gcra: parseGcra,
  'fixed-window': parseFixedWindow,
  'sliding-window': parseSlidingWindow,
  'sliding-log': parseSlidingLog,
  quota: parseQuota,
  concurrency: parseConcurrency,
};

/**
 * A policy of any strategy from unknown data, such as a file:
 * `{ "strategy": "fixed-window", "name": "free", "limit": 10, "window": "1m" }`.
 * @throws {ConfigurationError} with every field at fault
 */
export function parseAnyPolicy(input: unknown): AnyPolicy {
  if (!isRecord(input)) throw refused([{ path: '', message: `must be an object, got ${show(input)}` }]);
  const { strategy } = input;
  if (typeof strategy === 'string' && Object.hasOwn(parsers, strategy)) return parsers[strategy as StrategyName](input);
  const names = Object.keys(parsers).map((name) => `"${name}"`);
  const message = `must be one of ${names.join(', ')}, got ${show(strategy)}`;
  throw refused([{ path: 'strategy', message }], input.name);
}
