import { ConfigurationError, type Duration, toMs } from '@spillway/kernel';
import type { Decision } from '@spillway/limit';
import { toFieldErrors } from '../http/field-errors.ts';
import type { FieldError } from '../http/problem.ts';
import { shown } from '../http/saying.ts';
import { type CheckBody, type checkSchema, RECEIPT } from './check-schemas.ts';
import { namesOf, resolvePolicies } from './checked-policies.ts';
import type { LimitCheck, LimitChecks } from './limit-checks.ts';

/** What a caller wants done. */
export type Wanted = { readonly check: LimitCheck } & (
  | { readonly action: 'take' | 'peek' | 'reset' }
  | { readonly action: 'refund'; readonly of: Decision | undefined }
  | { readonly action: 'block'; readonly duration: Duration }
);

/** What was sent, or all that is wrong with it. */
export function parseCheck(
  sent: unknown,
  tenant: string,
  { plans, strategies }: Pick<LimitChecks, 'plans' | 'strategies'>,
  schema: ReturnType<typeof checkSchema>,
): Wanted | { readonly errors: readonly FieldError[] } {
  const { data, error } = schema.safeParse(sent);
  const isObject = typeof sent === 'object' && sent !== null && !Array.isArray(sent);
  const errors = isObject ? faultsOfChoice(sent, namesOf(plans)) : [];
  errors.push(...toFieldErrors(error?.issues ?? []));
  if (data === undefined || errors.length > 0) return { errors };
  const by = resolvePolicies(data, plans, strategies);
  if ('errors' in by) errors.push(...by.errors.map(({ path, message }) => ({ field: path, message })));
  else
    errors.push(
      ...faultsOfAction(
        data,
        by.policies.some(({ strategy }) => strategy === 'concurrency'),
      ),
    );
  if ('errors' in by || errors.length > 0) return { errors };
  const { key, cost = 1, id, onStoreError = 'share', action = 'take' } = data;
  const check: LimitCheck = { tenant, key, by, cost, id, onStoreError };
  if (action === 'refund') return { check, action, of: decisionOf(data.receipt) };
  if (action === 'block') return { check, action, duration: data.for as Duration };
  return { check, action };
}

const WAYS = ['policy', 'policies', 'plan'] as const;

function faultsOfChoice(sent: object, names: readonly string[]): FieldError[] {
  const [first, second] = WAYS.filter((way) => (sent as Readonly<Record<string, unknown>>)[way] !== undefined);
  if (first === undefined) {
    return [{ field: 'policy', message: `is missing; it must be one of ${names.join(', ')}` }];
  }
  return second === undefined ? [] : [{ field: second, message: `can not stand beside "${first}"; send one of them` }];
}

const LONGEST_BLOCK_MS = 10_000 * 86_400_000;

function faultsOfAction(
  { action = 'take', id, receipt, for: duration, cost }: CheckBody,
  holdsSlots: boolean,
): FieldError[] {
  const faults: FieldError[] = [];
  const only = (field: string, value: unknown, ...actions: string[]): void => {
    if (value === undefined || actions.includes(action)) return;
    faults.push({
      field,
      message: `goes with "${actions.join('" or "')}" only, got the action "${action}"; leave it out`,
    });
  };
  only('id', id, 'take', 'refund');
  only('receipt', receipt, 'refund');
  only('for', duration, 'block');
  only('cost', cost, 'take', 'peek', 'refund');
  if (holdsSlots && id === undefined && (action === 'take' || action === 'refund')) {
    faults.push({ field: 'id', message: 'is missing; slots are held by it, and given back by it' });
  }
  if (action === 'block' && !isBlockDuration(duration)) {
    const message = 'must be a duration from "1ms" to "10000d", e.g. "10m"';
    faults.push({
      field: 'for',
      message: duration === undefined ? `is missing; it ${message}` : `${message}, got ${shown(duration)}`,
    });
  }
  return faults;
}

function isBlockDuration(text: string | undefined): boolean {
  try {
    const ms = toMs((text ?? '') as Duration);
    return ms >= 1 && ms <= LONGEST_BLOCK_MS;
  } catch (error) {
    if (error instanceof ConfigurationError) return false;
    throw error;
  }
}

export function receiptOf(decision: Decision): string | null {
  if (decision.outcome === 'denied') return null;
  return `${decision.decidedBy}.${decision.chargedAtUs ?? 0}`;
}

/** As much of the decision of a take as its refund depends on. */
function decisionOf(receipt: string | undefined): Decision | undefined {
  const [, decidedBy, chargedAtUs] = RECEIPT.exec(receipt ?? '') ?? [];
  if (decidedBy === undefined) return undefined;
  return {
    outcome: 'allowed',
    decidedBy: decidedBy as Decision['decidedBy'],
    ...(chargedAtUs === '0' ? {} : { chargedAtUs: Number(chargedAtUs) }),
    policy: '',
    limit: 0,
    remaining: 0,
    refillAfterMs: 0,
    resetAfterMs: 0,
    degraded: false,
  };
}
