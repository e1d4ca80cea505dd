import { type Clock, ConfigurationError } from '@spillway/kernel';
import type { RedisLink } from '@spillway/redis';
import type { Verdict } from '../core/decision.ts';
import type { Keys, LimitStore, Refund, Reserve, Reserved, Take } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import { createBatches } from './batches.ts';
import { idText, takeDigest } from './charge-once.ts';
import { limitScript } from './limit-script.ts';
import type { Lent, What } from './member.ts';
import { limitKeys, type PolicySet, policySet } from './policy-set.ts';
import { redisStrategies } from './strategies/all.ts';
import type { OwnRedisStrategy } from './strategies/define-redis-strategy.ts';

export interface RedisLimitStoreOptions {
  /** Borrowed: whoever made it closes it. */
  readonly link: Pick<RedisLink, 'gather' | 'run' | 'topology'>;
  /** First part of every key: the deployment's own. Default `spillway`. */
  readonly prefix?: string;
  /** Strategies of your own, each as `defineRedisStrategy` made it. They stand in the script: as many as your program has. */
  readonly strategies?: readonly OwnRedisStrategy[];
  /** For tests only: takes the place of the server's TIME, which otherwise rules all instances alike. */
  readonly clock?: Clock;
}

interface Call {
  readonly what: What;
  readonly subject: Keys;
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
export function redisLimitStore(options: RedisLimitStoreOptions): LimitStore {
  const { link, prefix = 'spillway', clock, strategies: own = [] } = options;
  const strategies = redisStrategies(own);
  const keys = limitKeys(prefix);
  const batches = createBatches(link, own.length === 0 ? BUILT_IN : limitScript(strategies.all), clock);
  // Callers hand in the same list each time.
  const sets = new WeakMap<readonly Policy[], PolicySet>();
  const setOf = (policies: readonly Policy[]): PolicySet => {
    let set = sets.get(policies);
    if (set === undefined) {
      set = policySet(policies, keys, strategies);
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
      const own = keysOf(set, subject);
      if (id !== undefined && (what === 'o' || what === 'u')) own.push(idKey(id, subject, policies));
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

  const keysOf = ({ suffixes }: PolicySet, subject: Keys): string[] => {
    if (typeof subject !== 'string') return suffixes.map((suffix, at) => keys.subject(subject[at] ?? '') + suffix);
    const head = keys.subject(subject);
    return suffixes.map((suffix) => head + suffix);
  };
  /** Of several subjects it stands with the first. */
  const idKey = (id: string, subject: Keys, policies: readonly Policy[]): string => {
    const [first = '', others] = typeof subject === 'string' ? [subject, undefined] : [subject[0], subject];
    return keys.subject(first) + keys.suffix('i', takeDigest(id, policies, others));
  };

  const operations = {
    take(subject: Keys, policies: readonly Policy[], cost: number, id?: string): Promise<Take> {
      const { holds } = setOf(policies);
      if (id === undefined && holds !== 'none') return Promise.reject(needsId('take(key, { id })'));
      const what = id === undefined || holds === 'all' ? 't' : 'o';
      return call({ what, subject, policies, number: cost, id }, toTake);
    },
    reserve: (subject: Keys, policies: readonly Policy[], cost: number, reserve: Reserve): Promise<Reserved> =>
      call({ what: 'v', subject, policies, number: cost, reserve }, toReserved),
    peek: (subject: Keys, policies: readonly Policy[], cost: number): Promise<readonly Verdict[]> =>
      call({ what: 'p', subject, policies, number: cost }, toVerdicts),
    refund(subject: Keys, policies: readonly Policy[], { cost, takenAtUs, id }: Refund): Promise<void> {
      const { holds } = setOf(policies);
      if (id === undefined && holds !== 'none') return Promise.reject(needsId('refund(key, { id })'));
      const what = id === undefined || holds === 'all' ? 'r' : 'u';
      return call({ what, subject, policies, number: cost, id, takenAtUs }, toNothing);
    },
  };

  return {
    scope: 'shared',
    strategies: strategies.names,
    ...operations,
    // On a Cluster keys of two subjects are on two nodes, and no script reaches both.
    ...(link.topology === 'cluster' ? {} : { mixed: operations }),
    block: (subject, policies, forUs) => call({ what: 'b', subject, policies, number: forUs }, toNothing),
    reset: (subject, policies) => call({ what: 'x', subject, policies, number: 0 }, toNothing),
  };
}

/** Its digest is made once, and the same for all who have no strategies of their own. */
const BUILT_IN = limitScript(redisStrategies([]).all);

const toTake = (verdicts: readonly Verdict[], atUs: number): Take => ({ verdicts, atUs });
const toReserved = (verdicts: readonly Verdict[], atUs: number, lent: Lent): Reserved => ({ verdicts, atUs, ...lent });
const toVerdicts = (verdicts: readonly Verdict[]): readonly Verdict[] => verdicts;
const toNothing = (): void => undefined;

const needsId = (call: string): ConfigurationError =>
  new ConfigurationError(`A concurrency policy holds its slots by an id; pass one: ${call}`);
