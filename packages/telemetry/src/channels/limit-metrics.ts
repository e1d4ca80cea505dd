import type {
  LimitBlockMessage,
  LimitBoundMessage,
  LimitDecisionMessage,
  LimitLeaseMessage,
  LimitOverflowMessage,
  LimitShadowMessage,
  LimitStoreErrorMessage,
  LimitStoreMessage,
} from '@spillway/limit';
import { type ChannelMetrics, on } from './listener.ts';

/** Around a round trip on a local network, up to the longest deadlines. */
const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

export const limitMetrics: readonly ChannelMetrics[] = [
  on<LimitDecisionMessage>('spillway:limit:decision', (metrics) => {
    const decisions = metrics.counter(
      'limit_decisions_total',
      'Takes decided, by the policy that bound, outcome (allowed, denied) and who decided',
      ['policy', 'outcome', 'decided_by'],
    );
    const byStrategy = metrics.counter(
      'limit_strategy_decisions_total',
      'The same takes, by the strategy of that policy',
      ['strategy', 'outcome', 'decided_by'],
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
    const fallbacks = metrics.counter(
      'limit_fallbacks_total',
      'These, by who decided instead (share, local-block, store-error-policy) and outcome',
      ['decided_by', 'outcome'],
    );
    return ({ decision, strategy }) => {
      decisions.add(1, decision.policy, decision.outcome, decision.decidedBy);
      // An older @spillway/limit does not say it.
      if (strategy !== undefined) byStrategy.add(1, strategy, decision.outcome, decision.decidedBy);
      if (decision.outcome === 'denied') denials.add(1, decision.policy, decision.reason);
      if (!decision.degraded) return;
      degraded.add(1, decision.policy);
      fallbacks.add(1, decision.decidedBy, decision.outcome);
    };
  }),
  on<LimitShadowMessage>('spillway:limit:shadow', (metrics) => {
    const shadows = metrics.counter(
      'limit_shadow_decisions_total',
      'What shadow policies would have decided about takes that were allowed',
      ['plan', 'policy', 'outcome'],
    );
    return ({ plan, decision }) => shadows.add(1, plan, decision.policy, decision.outcome);
  }),
  on<LimitStoreMessage>('spillway:limit:store', (metrics) => {
    const help = 'Calls of a shared store, by operation and how they ended (ok, error)';
    const calls = metrics.counter('limit_store_calls_total', help, ['operation', 'outcome']);
    const durations = metrics.histogram(
      'limit_store_duration_seconds',
      'From such a call to its end, waiting for others of its turn included',
      ['operation'],
      SECONDS,
    );
    return ({ operation, outcome, durationMs }) => {
      calls.add(1, operation, outcome);
      durations.observe(durationMs / 1000, operation);
    };
  }),
  on<LimitLeaseMessage>('spillway:limit:lease', (metrics) => {
    const help = 'Units of leases, by what became of them (granted; then spent, handed-back, lost)';
    const units = metrics.counter('limit_lease_units_total', help, ['policy', 'what']);
    const held = metrics.gauge(
      'limit_lease_units_held',
      'Units of the leases that are not over: reserved here, spent or not',
      ['policy'],
      'sum',
    );
    return (message) => {
      const change = message.what === 'granted' ? message.units : -message.units;
      for (const policy of message.policies) {
        units.add(message.units, policy, message.what);
        held.move(change, policy);
      }
    };
  }),
  on<LimitBlockMessage>('spillway:limit:block', (metrics) => {
    const blocks = metrics.counter('limit_blocks_total', 'Keys that were blocked by a call', ['policy']);
    return ({ policies }) => {
      for (const policy of policies) blocks.add(1, policy);
    };
  }),
  on<LimitBoundMessage>('spillway:limit:bound', (metrics) => {
    const help = 'Times a bound made a limiter refuse or forget (waiting, blocks, slots, ids, local-blocks)';
    const bounds = metrics.counter('limit_bounds_total', help, ['bound']);
    return ({ bound }) => bounds.add(1, bound);
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
