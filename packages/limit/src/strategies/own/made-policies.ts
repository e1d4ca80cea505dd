import type { Strategy } from '../strategy.ts';
import type { OwnPolicy } from './own-policy.ts';

/** What goes with a policy of somebody's own strategy. */
export interface Making {
  readonly steps: Strategy<OwnPolicy, object>;
  share(policy: OwnPolicy, parts: number): OwnPolicy;
}

// By the policy itself, which stays plain data. Who copies one loses its steps, and is told so.
const makings = new WeakMap<object, Making>();

export const noteMade = (policy: OwnPolicy, making: Making): void => {
  makings.set(policy, making);
};

export const isMade = (input: object): input is OwnPolicy => makings.has(input);

/** @throws {TypeError} for a policy that its strategy has not made */
export function makingOf(policy: OwnPolicy): Making {
  const making = makings.get(policy);
  if (making !== undefined) return making;
  throw new TypeError(`Policy "${policy.name}" of strategy "${policy.strategy}" ${NOT_MADE}`);
}

export const NOT_MADE = 'was not made by its strategy; take what policy() of it returns, and not a copy';
