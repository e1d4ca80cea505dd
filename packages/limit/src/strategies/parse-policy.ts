import { ConfigurationError, type Issue } from '@spillway/kernel';
import { isRecord, parseTokenBucket, refused, show } from '../core/parse-token-bucket.ts';
import { parseConcurrency } from './concurrency/policy.ts';
import { parseFixedWindow } from './fixed-window/policy.ts';
import { parseGcra } from './gcra/policy.ts';
import { isMade, NOT_MADE } from './own/made-policies.ts';
import type { BuiltInName, Policy, PolicyOf } from './policy.ts';
import { parseQuota } from './quota/policy.ts';
import { parseSlidingLog } from './sliding-log/policy.ts';
import { parseSlidingWindow } from './sliding-window/policy.ts';

const parsers: { readonly [Name in BuiltInName]: (input: unknown) => PolicyOf<Name> } = {
  'token-bucket': parseTokenBucket,
  gcra: parseGcra,
  'fixed-window': parseFixedWindow,
  'sliding-window': parseSlidingWindow,
  'sliding-log': parseSlidingLog,
  quota: parseQuota,
  concurrency: parseConcurrency,
};

/**
 * A policy of any strategy from unknown data, such as a file:
 * `{ "strategy": "fixed-window", "name": "free", "limit": 10, "window": "1m" }`. A policy of a strategy of your own is made in code,
 * and returned as it is.
 * @throws {ConfigurationError} with every field at fault
 */
export function parsePolicy(input: unknown): Policy {
  if (!isRecord(input)) throw refused([{ path: '', message: `must be an object, got ${show(input)}` }]);
  if (isMade(input)) return input;
  const { strategy } = input;
  if (typeof strategy === 'string' && Object.hasOwn(parsers, strategy)) return parsers[strategy as BuiltInName](input);
  if (typeof strategy === 'string' && strategy.startsWith('own:')) {
    throw refused([{ path: '', message: `${NOT_MADE}, got ${show(strategy)}` }], input.name);
  }
  const names = Object.keys(parsers).map((name) => `"${name}"`);
  const message = `must be one of ${names.join(', ')}, got ${show(strategy)}`;
  throw refused([{ path: 'strategy', message }], input.name);
}

/** Several policies of one limiter: at least one, each name once. Every issue of every policy is listed. */
export function policyIssues(inputs: readonly unknown[]): { policies: readonly Policy[]; issues: readonly Issue[] } {
  const policies: Policy[] = [];
  const issues: Issue[] = [];
  if (inputs.length === 0) issues.push({ path: 'policies', message: 'must hold at least one policy, got none' });
  for (const [at, input] of inputs.entries()) {
    const path = inputs.length === 1 ? 'policy' : `policies[${at}]`;
    try {
      const policy = parsePolicy(input);
      if (policies.some(({ name }) => name === policy.name)) {
        issues.push({ path: `${path}.name`, message: `must be unique, got "${policy.name}" twice` });
      }
      policies.push(policy);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      for (const issue of error.issues) {
        issues.push({ path: issue.path === '' ? path : `${path}.${issue.path}`, message: issue.message });
      }
    }
  }
  return { policies, issues };
}
