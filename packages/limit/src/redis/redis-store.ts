import { type Clock, ConfigurationError } from '@spillway/kernel';
import type { RedisLink } from '@spillway/redis';
import type { Verdict } from '../core/decision.ts';
import type { LimitStore, Reserve, Reserved, Take } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import { createBatches } from './batches.ts';
import { idText, takeDigest } from './charge-once.ts';
import type { Lent, What } from './member.ts';
import { limitKeys, type PolicySet, policySet } from './policy-set.ts';
import { REDIS_STRATEGIES } from './strategies/all.ts';

export interface RedisLimitStoreOptions {
  /** Borrowed: whoever made it closes it. */
  readonly link: Pick<RedisLink, 'gather' | 'run' | 'topology'>;
  /** First part of every key: the deployment's own. Default `spillway`. */
  readonly prefix?: string;
  /** For tests only: takes the place of the server's TIME, which otherwise rules all instances alike. */
  readonly clock?: Clock;
}

interface Call {
  readonly what: What;
  readonly subject: string;
  readonly policies: readonly Policy[];
  readonly number: number;
  readonly id?: string | undefined;
  readonly takenAtUs?: number | undefined;
  readonly reserve?: Reserve;
}

/**
 * Limits shared by all instances, in Redis: one script for all that is called in one turn of the event loop, one key per policy and
 * subject, the server's clock. The instance must not run under an evicting `maxmemory-policy`: an evicted bucket is a full one.
 * @throws {ConfigurationError} when `prefix` holds a character that keys can not
 */
export function redisLimitStore({ link, prefix = 'spillway', clock }: RedisLimitStoreOptions): LimitStore {
  const keys = limitKeys(prefix);
  const batches = createBatches(link, clock);
  // Callers hand in the same list each time.
  const sets = new WeakMap<readonly Policy[], PolicySet>();
  const setOf = (policies: readonly Policy[]): PolicySet => {
    let set = sets.get(policies);
    if (set === undefined) {
      set = policySet(policies, keys);
      sets.set(policies, set);
    }
    return set;
  };

  function call<Answer>(
    { what, subject, policies, number, id, takenAtUs, reserve }: Call,
    toAnswer: (verdicts: readonly Verdict[], atUs: number, lent: Lent) => Answer,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const set = setOf(policies);
      const head = keys.subject(subject);
      const own = set.suffixes.map((suffix) => head + suffix);
      if (id !== undefined && (what === 'o' || what === 'u'))
        own.push(head + keys.suffix('i', takeDigest(id, policies)));
      batches.add({
        what,
        set,
        keys: own,
        number,
        takenAtUs,
        id: id === undefined ? undefined : idText(id),
        reserve,
        again: 0,
        moments: undefined,
        resolve: (verdicts, atUs, lent) => resolve(toAnswer(verdicts, atUs, lent)),
        reject,
      });
    });
  }

  return {
    scope: 'shared',
    strategies: new Set(REDIS_STRATEGIES),
    take(subject, policies, cost, id) {
      const { holds } = setOf(policies);
      if (id === undefined && holds !== 'none') return Promise.reject(needsId('take(key, { id })'));
      const what = id === undefined || holds === 'all' ? 't' : 'o';
      return call({ what, subject, policies, number: cost, id }, toTake);
    },
    reserve: (subject, policies, cost, reserve) =>
      call({ what: 'v', subject, policies, number: cost, reserve }, toReserved),
    peek: (subject, policies, cost) => call({ what: 'p', subject, policies, number: cost }, toVerdicts),
    refund(subject, policies, { cost, takenAtUs, id }) {
      const { holds } = setOf(policies);
      if (id === undefined && holds !== 'none') return Promise.reject(needsId('refund(key, { id })'));
      const what = id === undefined || holds === 'all' ? 'r' : 'u';
      return call({ what, subject, policies, number: cost, id, takenAtUs }, toNothing);
    },
    block: (subject, policies, forUs) => call({ what: 'b', subject, policies, number: forUs }, toNothing),
    reset: (subject, policies) => call({ what: 'x', subject, policies, number: 0 }, toNothing),
  };
}

const toTake = (verdicts: readonly Verdict[], atUs: number): Take => ({ verdicts, atUs });
const toReserved = (verdicts: readonly Verdict[], atUs: number, lent: Lent): Reserved => ({ verdicts, atUs, ...lent });
const toVerdicts = (verdicts: readonly Verdict[]): readonly Verdict[] => verdicts;
const toNothing = (): void => undefined;

const needsId = (call: string): ConfigurationError =>
  new ConfigurationError(`A concurrency policy holds its slots by an id; pass one: ${call}`);
