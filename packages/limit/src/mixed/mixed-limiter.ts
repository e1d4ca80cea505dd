import { ConfigurationError, type Issue } from '@spillway/kernel';
import type { Decision } from '../core/decision.ts';
import { openLimiter } from '../limiter.ts';
import type {
  Limiter,
  PeekOptions,
  RefundOptions,
  TakeOptions,
  TakingLimiter,
  WaitOptions,
} from '../limiter-contract.ts';
import type { LimiterDependencies, OnStoreError } from '../limiter-options.ts';
import { memoryLimitStore } from '../memory/memory-store.ts';
import type { LimitStore } from '../store.ts';
import { isSynchronous } from '../store-decisions.ts';
import type { Policy } from '../strategies/policy.ts';
import { subjectOf } from '../subject.ts';
import { joinSubjects, mixedMemory, mixedStore, type Places } from './mixed-store.ts';

export interface MixedLimiterOptions<Name extends string> {
  /**
   * What each subject is limited by: `{ client: perClient, everybody: [perSecond, perDay] }`. Names of policies are unique over all of
   * them. A subject's states are those that any limiter of these policies has, over the same store.
   */
  readonly subjects: Readonly<Record<Name, Policy | readonly Policy[]>>;
  /** Default `exact`. There are no leases of several subjects. */
  readonly mode?: 'exact' | 'share';
  /** These three as for `createLimiter`; a key here is as long as its subjects together. */
  readonly onStoreError?: OnStoreError;
  readonly maxKeys?: number;
  readonly maxWaiting?: number;
}

/** Who takes: a key for each subject, `{ client: '192.0.2.7', everybody: 'all' }`. Each may hold any characters. */
export type Subjects<Name extends string> = Readonly<Record<Name, string>>;

/**
 * A limiter for policies of several subjects: a take charges all of them or none, in one step. Calls, answers and errors are those of
 * a `Limiter`; what it tells as `key` is the subjects in one text. To block or reset a subject make a limiter of its policies, over the same
 * store: this one notices within a second.
 */
export interface MixedLimiter<Name extends string>
  extends Pick<Limiter, 'policies' | 'mode' | 'synchronous' | 'close'> {
  take(subjects: Subjects<Name>, options?: TakeOptions): Promise<Decision>;
  takeNow(subjects: Subjects<Name>, options?: TakeOptions): Decision;
  peek(subjects: Subjects<Name>, options?: PeekOptions): Promise<Decision>;
  refund(subjects: Subjects<Name>, options?: RefundOptions): Promise<void>;
  wait(subjects: Subjects<Name>, options?: WaitOptions): Promise<Decision>;
  /** For middleware and `limited`, which know one key: `limiter.by((client) => ({ client, everybody: 'all' }))`. */
  by(subjectsOf: (key: string) => Subjects<Name>): TakingLimiter;
}

/**
 * @throws {ConfigurationError} as `createLimiter`, and for a store that can not charge several subjects in one step: Redis as a
 *   Cluster, PostgreSQL
 */
export function createMixedLimiter<Name extends string>(
  options: MixedLimiterOptions<Name>,
  dependencies: LimiterDependencies = {},
): MixedLimiter<Name> {
  const { subjects, ...rest } = options;
  const groups = Object.entries<Policy | readonly Policy[]>(subjects).map(([name, of]) => ({
    name: name as Name,
    policies: 'strategy' in of ? [of] : of,
  }));
  const names = groups.map(({ name }) => name);
  const policies = groups.flatMap((group) => group.policies);
  const places = groups.flatMap((group, place) => group.policies.map(() => place));
  refuse(groups, rest.mode, dependencies.store);
  const inner = openLimiter({ policies, ...rest }, withStore(dependencies, rest, places), {
    nameKey: (joined) => joined,
    shareBy: (memory) => mixedMemory(memory, places),
  });
  const keyOf = (given: Subjects<Name>): string => joinSubjects(partsOf(names, given));
  const mixed: MixedLimiter<Name> = {
    policies: inner.policies,
    mode: inner.mode,
    synchronous: inner.synchronous,
    // Async: a wrong subject is a rejection there.
    take: async (given, take) => inner.take(keyOf(given), take),
    takeNow: (given, take) => inner.takeNow(keyOf(given), take),
    peek: async (given, peek) => inner.peek(keyOf(given), peek),
    refund: async (given, refund) => inner.refund(keyOf(given), refund),
    wait: async (given, wait) => inner.wait(keyOf(given), wait),
    by: (subjectsOf) => ({
      policies: inner.policies,
      synchronous: inner.synchronous,
      take: async (key, take) => mixed.take(subjectsOf(key), take),
      takeNow: (key, take) => mixed.takeNow(subjectsOf(key), take),
      refund: async (key, refund) => mixed.refund(subjectsOf(key), refund),
    }),
    close: () => inner.close(),
  };
  return mixed;
}

interface Group {
  readonly name: string;
  readonly policies: readonly Policy[];
}

function refuse(groups: readonly Group[], mode: string | undefined, store: LimitStore | undefined): void {
  const issues: Issue[] = [];
  const names = groups.map(({ name }) => name);
  if (groups.length < 2) {
    issues.push({
      path: 'subjects',
      message: `must be at least two, got ${groups.length === 0 ? 'none' : `"${names[0]}" alone`}; for one subject use createLimiter()`,
    });
  }
  for (const { name, policies } of groups) {
    if (policies.length === 0)
      issues.push({ path: `subjects.${name}`, message: 'must hold at least one policy, got none' });
  }
  if ((mode as unknown) === 'lease') {
    issues.push({
      path: 'mode',
      message: `must be "exact" or "share", got "lease": a lease is one subject's; take from a limiter of "${names[0]}" in mode "lease" first, then from one of "${names[1]}", and refund the first when the second refuses`,
    });
  }
  if (mode !== 'share' && store !== undefined && store.mixed === undefined) {
    issues.push({
      path: 'store',
      message: `must charge several subjects in one step, and this one can not (a Redis Cluster has them on several nodes, PostgreSQL locks one at a time); make a limiter for each, take from "${names[0]}" first, then from "${names[1]}", and refund the first when the second refuses; or use a plain Redis`,
    });
  }
  if (issues.length > 0) throw new ConfigurationError('The mixed limiter is set up wrong:', issues);
}

function withStore(
  dependencies: LimiterDependencies,
  { mode, maxKeys }: Pick<MixedLimiterOptions<string>, 'mode' | 'maxKeys'>,
  places: Places,
): LimiterDependencies {
  const { clock, random } = dependencies;
  if (mode === 'share') return dependencies;
  const store =
    dependencies.store ??
    memoryLimitStore({
      ...(maxKeys === undefined ? {} : { maxKeys }),
      ...(clock === undefined ? {} : { clock }),
      ...(random === undefined ? {} : { random }),
    });
  if (isSynchronous(store)) return { ...dependencies, store: mixedMemory(store, places) };
  return store.mixed === undefined ? dependencies : { ...dependencies, store: mixedStore(store, store.mixed, places) };
}

function partsOf<Name extends string>(names: readonly Name[], given: Subjects<Name>): readonly string[] {
  const extra = Object.keys(given).find((name) => !names.some((known) => known === name));
  if (extra !== undefined) throw wrongSubject(names, `"${extra}" is none of them`);
  return names.map((name) => {
    const key: unknown = given[name];
    if (typeof key === 'string') return subjectOf(key);
    throw wrongSubject(names, `"${name}" is ${key === undefined ? 'missing' : `a ${typeof key}`}`);
  });
}

const wrongSubject = (names: readonly string[], what: string): ConfigurationError =>
  new ConfigurationError(
    `A take needs a key, as text, for each subject (${names.map((name) => `"${name}"`).join(', ')}), and ${what}`,
  );
