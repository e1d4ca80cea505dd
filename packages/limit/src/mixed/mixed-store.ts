import { ConfigurationError } from '@spillway/kernel';
import type { LimitStore, MixedOperations, SynchronousLimitStore } from '../store.ts';

/** `places[at]`: which of the subjects `policies[at]` is about. */
export type Places = readonly number[];

/** Several subjects in one text, which no two lists of them share (G8): what a limiter carries as its key. */
export const joinSubjects = (subjects: readonly string[]): string =>
  subjects.map((subject) => `${subject.length}:${subject}`).join('');

/** A store to which joined subjects are a key: of which of them each policy is, it knows by its place. */
export function mixedStore(store: LimitStore, mixed: MixedOperations, places: Places): LimitStore {
  const keysOf = splitter(places);
  const { reserve } = mixed;
  return {
    scope: store.scope,
    strategies: store.strategies,
    take: (joined, policies, cost, id) => mixed.take(keysOf(joined), policies, cost, id),
    ...(reserve === undefined
      ? {}
      : { reserve: (joined, policies, cost, asked) => reserve(keysOf(joined), policies, cost, asked) }),
    peek: (joined, policies, cost) => mixed.peek(keysOf(joined), policies, cost),
    refund: (joined, policies, refund) => mixed.refund(keysOf(joined), policies, refund),
    block: ofOneSubject,
    reset: ofOneSubject,
  };
}

/** The same of a store that answers at once. */
export function mixedMemory(store: SynchronousLimitStore, places: Places): SynchronousLimitStore {
  const { mixed } = store;
  const takeNow = mixed?.takeNow;
  if (mixed === undefined || takeNow === undefined) throw new TypeError('This store has no mixed.takeNow');
  const keysOf = splitter(places);
  return {
    ...mixedStore(store, mixed, places),
    scope: 'process',
    takeNow: (joined, policies, cost, id) => takeNow(keysOf(joined), policies, cost, id),
  };
}

const splitter =
  (places: Places) =>
  (joined: string): readonly string[] => {
    const subjects = splitSubjects(joined);
    return places.map((place) => subjects[place] ?? '');
  };

function splitSubjects(joined: string): readonly string[] {
  const subjects: string[] = [];
  for (let at = 0; at < joined.length; ) {
    const colon = joined.indexOf(':', at);
    const end = colon + 1 + Number(joined.slice(at, colon));
    subjects.push(joined.slice(colon + 1, end));
    at = end;
  }
  return subjects;
}

const ofOneSubject = (): Promise<void> =>
  Promise.reject(
    new ConfigurationError('Blocks and resets are of one subject; make a limiter of its policies for them'),
  );
