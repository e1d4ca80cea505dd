import type { LimitDecisionMessage, LimitOverflowMessage, LimitStoreErrorMessage } from '@spillway/limit';
import { type ChannelMetrics, on } from './listener.ts';

export const limitMetrics: readonly ChannelMetrics[] = [
  on<LimitDecisionMessage>('spillway:limit:decision', (metrics) => {
    const decisions = metrics.counter(
      'limit_decisions_total',
      'Takes decided, by the policy that bound, outcome (allowed, denied) and who decided',
      ['policy', 'outcome', 'decided_by'],
    );
    const denials = metrics.counter('limit_denials_total', 'Takes refused, by the policy that bound and reason', [
      'policy',
      'reason',
    ]);
    const degraded = metrics.counter(
      'limit_degraded_decisions_total',
      'Takes decided without the store that should have decided them',
      ['policy'],
    );
    return ({ decision }) => {
      decisions.add(1, decision.policy, decision.outcome, decision.decidedBy);
      if (decision.outcome === 'denied') denials.add(1, decision.policy, decision.reason);
      if (decision.degraded) degraded.add(1, decision.policy);
    };
  }),
  on<LimitStoreErrorMessage>('spillway:limit:store-error', (metrics) => {
    const storeErrors = metrics.counter('limit_store_errors_total', 'Times the store could not decide', ['policy']);
    return ({ policies }) => {
      for (const policy of policies) storeErrors.add(1, policy);
    };
  }),
  on<LimitOverflowMessage>('spillway:limit:overflow', (metrics) => {
    const overflow = metrics.counter(
      'limit_overflow_total',
      'Takes decided by a shared overflow bucket, since the memory store was full',
      ['policy'],
    );
    return ({ policy }) => overflow.add(1, policy);
  }),
];
