import { blocked, unchanged } from '../core/answers.ts';
import type { Verdict } from '../core/decision.ts';
import type { Policy } from '../strategies/policy.ts';
import { stepsOf } from '../strategies/strategy-of.ts';
import type { StoredLimit, StoreReply } from './store-reply.ts';

/**
 * The verdicts on what the server decided. It says what it decided by (the rows as they were, the time) and the pure steps find the
 * words: all strategies speak alike in all stores.
 * @throws {Error} when the pure steps would have decided otherwise
 */
export function verdictsOf(reply: StoreReply, policies: readonly Policy[], cost: number): readonly Verdict[] {
  const { word, nowUs } = reply;
  const verdicts = policies.map((policy, at) => {
    const { state, blockedUntilUs } = reply.stored[at] ?? NOTHING;
    const leftUs = blockedUntilUs - nowUs;
    if (leftUs > 0) return blocked(leftUs);
    const steps = stepsOf(policy);
    if (word === 'charged') return steps.take(policy, state, nowUs, cost).verdict;
    const seen = steps.peek(policy, state, nowUs, cost);
    return word === 'known' || (word === 'refused' && seen.outcome === 'allowed') ? unchanged(seen) : seen;
  });
  const refused = verdicts.some(({ outcome }) => outcome === 'denied');
  if (word !== 'read' && refused !== (word === 'refused')) {
    throw new Error(
      `The limit store answered "${word}" where this version would not; are limitMigrations those of this version?`,
    );
  }
  return verdicts;
}

const NOTHING: StoredLimit = { state: undefined, blockedUntilUs: 0 };
