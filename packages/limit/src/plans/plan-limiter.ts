import { channel } from 'node:diagnostics_channel';
import type { Duration } from '@spillway/kernel';
import type { Decision } from '../core/decision.ts';
import type { LeaseOptions } from '../lease/lease-options.ts';
import { createLimiter, openLimiter } from '../limiter.ts';
import type { Limiter, PeekOptions, RefundOptions, TakeOptions } from '../limiter-contract.ts';
import type { LimiterDependencies, LimitMode, OnStoreError } from '../limiter-options.ts';
import { memoryLimitStore } from '../memory/memory-store.ts';
import type { LimitShadowMessage } from '../messages.ts';
import type { Policy } from '../strategies/policy.ts';
import type { PlanBook } from './plan-book.ts';
import type { Plan } from './plans.ts';

/** The answer of a limiter by plans: also which plan it was. */
export type PlannedDecision = Decision & { readonly plan: string };

export interface PlanLimiterOptions {
  readonly book: PlanBook;
  /** Of plans that say none; `share`: of all of them. As for `createLimiter`. */
  readonly mode?: LimitMode;
  /** Of plans in mode `lease`. */
  readonly lease?: LeaseOptions;
  readonly onStoreError?: OnStoreError;
  readonly maxKeys?: number;
}

/** A limiter whose policies are those of the key's plan, as the book has it at each call. Errors as a `Limiter`'s. */
export interface PlanLimiter {
  take(key: string, options?: PlannedTakeOptions): Promise<PlannedDecision>;
  peek(key: string, options?: PlannedOptions & PeekOptions): Promise<PlannedDecision>;
  refund(key: string, options?: PlannedOptions & RefundOptions): Promise<void>;
  block(key: string, duration: Duration, options?: PlannedOptions): Promise<void>;
  reset(key: string, options?: PlannedOptions): Promise<void>;
  close(): Promise<void>;
}

export interface PlannedOptions {
  /** What is counted, where it is not the key as a whole: e.g. `compositeKey(key, address)`. Its plan is the key's. Default: the key. */
  readonly subject?: string;
}

export type PlannedTakeOptions = PlannedOptions & TakeOptions;

const shadowDecisions = channel('spillway:limit:shadow');

/**
 * One name for several, such as an API key and a client address: no two lists of parts share one, whatever characters they hold
 * (G8).
 */
export const compositeKey = (...parts: readonly string[]): string =>
  parts.map((part) => `${part.length}:${part}`).join('');

/** @throws {ConfigurationError} as `createLimiter`; for a plan that came later, at its first take */
export function createPlanLimiter(options: PlanLimiterOptions, dependencies: LimiterDependencies = {}): PlanLimiter {
  const { book, mode: usual, lease, ...rest } = options;
  // One store for all plans: what was taken under a policy counts in every plan that has it.
  const given =
    usual === 'share' || dependencies.store !== undefined
      ? dependencies
      : { ...dependencies, store: memoryLimitStore(memoryOptions(rest, dependencies)) };
  const optionsOf = (plan: Plan, policies: readonly Policy[]) => {
    const mode = usual === 'share' ? usual : (plan.mode ?? usual);
    const leased = mode === 'lease' && lease !== undefined ? { lease } : {};
    return { policies, ...rest, ...(mode === undefined ? {} : { mode }), ...leased };
  };
  let plansThen = book.plans;
  let limiters = new Map<Plan, { readonly enforced: Limiter; readonly shadow: Limiter | undefined }>();

  const limitersOf = (plan: Plan) => {
    if (book.plans !== plansThen) {
      plansThen = book.plans;
      const old = limiters;
      limiters = new Map();
      for (const each of old.values()) void closeBoth(each);
    }
    let found = limiters.get(plan);
    if (found === undefined) {
      found = {
        enforced: createLimiter(optionsOf(plan, plan.policies), given),
        shadow:
          plan.shadow.length === 0
            ? undefined
            : openLimiter(optionsOf(plan, plan.shadow), given, { decisionsAre: 'untold' }),
      };
      limiters.set(plan, found);
    }
    return found;
  };

  /** After the decision: a shadow policy must not even make its caller wait. */
  const count = (plan: Plan, shadow: Limiter, key: string, cost: number): void => {
    shadow.take(key, { cost }).then(
      (decision) => {
        if (!shadowDecisions.hasSubscribers) return;
        shadowDecisions.publish({ plan: plan.name, key, cost, decision } satisfies LimitShadowMessage);
      },
      () => undefined,
    );
  };

  const prepared = (key: string, subject = key) => {
    const plan = book.planOf(key);
    return { plan, subject, ...limitersOf(plan) };
  };

  return {
    async take(key, { subject, ...take } = {}) {
      const { plan, enforced, shadow, subject: counted } = prepared(key, subject);
      const decision = await enforced.take(counted, take);
      if (shadow !== undefined && decision.outcome === 'allowed') count(plan, shadow, counted, take.cost ?? 1);
      return { ...decision, plan: plan.name };
    },
    async peek(key, { subject, ...take } = {}) {
      const { plan, enforced, subject: counted } = prepared(key, subject);
      return { ...(await enforced.peek(counted, take)), plan: plan.name };
    },
    async refund(key, { subject, ...refund } = {}) {
      const { plan, enforced, subject: counted } = prepared(key, subject);
      // Under another plan by now: its policies were not charged.
      if (refund.of !== undefined && 'plan' in refund.of && refund.of.plan !== plan.name) return;
      await enforced.refund(counted, refund);
    },
    async block(key, duration, { subject } = {}) {
      const { enforced, subject: counted } = prepared(key, subject);
      await enforced.block(counted, duration);
    },
    async reset(key, { subject } = {}) {
      const { enforced, shadow, subject: counted } = prepared(key, subject);
      await Promise.all([enforced.reset(counted), shadow?.reset(counted)]);
    },
    async close() {
      const old = limiters;
      limiters = new Map();
      await Promise.all([...old.values()].map(closeBoth));
    },
  };
}

const closeBoth = async (each: { readonly enforced: Limiter; readonly shadow: Limiter | undefined }): Promise<void> => {
  await Promise.all([each.enforced.close(), each.shadow?.close()]);
};

function memoryOptions({ maxKeys }: { readonly maxKeys?: number }, { clock, random }: LimiterDependencies) {
  return {
    ...(maxKeys === undefined ? {} : { maxKeys }),
    ...(clock === undefined ? {} : { clock }),
    ...(random === undefined ? {} : { random }),
  };
}
