import { ownText } from '@spillway/kernel';
import { tellOfBound } from './bounds.ts';
import type { Decision, Quota } from './core/decision.ts';
import type { Policy } from './strategies/policy.ts';

type Refusal = Extract<Decision, { readonly retryAfterMs: number }>;

interface Refused {
  readonly decision: Refusal;
  /** What was asked for; 0 when nothing would have been allowed. */
  readonly cost: number;
  readonly policies: readonly Policy[];
  readonly atUs: number;
  readonly untilUs: number;
}

/** A refused key is asked about again after so long: meanwhile another instance may have reset, unblocked or refunded it. */
const ASK_AGAIN_US = 1_000_000;

/**
 * The keys that the store refused lately, which are refused here without asking until their `retryAfter`. A look is O(1), and at
 * most `most` keys are kept (G7) in two generations, of which the older is dropped whole; a key that is forgotten asks the store.
 *
 * Only what the store would say, too: not a smaller cost, nor a larger one, which takes longer; not under other policies. Slots
 * are left out, since they come back at any time, and takes with an id, which may be repeats.
 */
export class LocalBlocks {
  readonly #most: number;
  #young = new Map<string, Refused>();
  #old = new Map<string, Refused>();
  #forgets = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** To be kept while a take is under way: its answer is worth nothing any more if the key was forgotten meanwhile. */
  get forgets(): number {
    return this.#forgets;
  }

  /** The refusal of such a take, if the store needs not be asked. */
  find(key: string, policies: readonly Policy[], cost: number, nowUs: number): Decision | undefined {
    const refused = this.#live(key, policies, nowUs);
    if (refused === undefined || nowUs - refused.atUs >= ASK_AGAIN_US) return undefined;
    return refused.cost === 0 || refused.cost === cost ? later(refused, nowUs, false) : undefined;
  }

  /** The same while the store is away: what it had refused stays refused, and more than that all the more. */
  findDegraded(key: string, policies: readonly Policy[], cost: number, nowUs: number): Decision | undefined {
    const refused = this.#live(key, policies, nowUs);
    return refused !== undefined && cost >= refused.cost ? later(refused, nowUs, true) : undefined;
  }

  /** What the store answered to a take that was sent at `atUs`, when `forgets` stood there. */
  note(
    key: string,
    policies: readonly Policy[],
    cost: number,
    decision: Decision,
    atUs: number,
    forgets: number,
  ): void {
    if (forgets !== this.#forgets) return;
    if (decision.outcome === 'allowed') {
      if (this.size > 0) this.#delete(key);
      return;
    }
    if (decision.reason !== 'exhausted' && decision.reason !== 'blocked') return;
    if (policies.find(({ name }) => name === decision.policy)?.strategy === 'concurrency') return;
    const asked = decision.reason === 'blocked' ? 0 : cost;
    // The smallest refused cost says most.
    const before = this.#live(key, policies, atUs);
    if (before !== undefined && before.cost < asked && atUs - before.atUs < ASK_AGAIN_US) return;
    if (!this.#young.has(key) && this.#young.size >= Math.ceil(this.#most / 2)) {
      if (this.#old.size > 0) tellOfBound('local-blocks');
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#old.delete(key);
    const untilUs = atUs + decision.retryAfterMs * 1000;
    this.#young.set(ownText(key), { decision, cost: asked, policies, atUs, untilUs });
  }

  forget(key: string): void {
    this.#forgets += 1;
    this.#delete(key);
  }

  #delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  #live(key: string, policies: readonly Policy[], nowUs: number): Refused | undefined {
    if (this.size === 0) return undefined;
    const refused = this.#young.get(key) ?? this.#old.get(key);
    if (refused === undefined) return undefined;
    if (refused.policies === policies && nowUs < refused.untilUs) return refused;
    this.#delete(key);
    return undefined;
  }
}

function later({ decision, atUs, untilUs }: Refused, nowUs: number, degraded: boolean): Decision {
  const passedMs = Math.floor((nowUs - atUs) / 1000);
  const retryAfterMs = Math.ceil((untilUs - nowUs) / 1000);
  const { quotas } = decision;
  const answer = {
    ...decision,
    ...laterQuota(decision, passedMs),
    retryAfterMs,
    decidedBy: 'local-block',
    degraded,
  } as const;
  return quotas === undefined
    ? answer
    : { ...answer, quotas: quotas.map((quota) => ({ ...quota, ...laterQuota(quota, passedMs) })) };
}

const laterQuota = ({ refillAfterMs, resetAfterMs }: Quota, passedMs: number) => ({
  refillAfterMs: Math.max(0, refillAfterMs - passedMs),
  resetAfterMs: Math.max(0, resetAfterMs - passedMs),
});
