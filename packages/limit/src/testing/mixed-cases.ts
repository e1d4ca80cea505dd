/** What a store does alike that charges several subjects in one step (`mixed`): as with one, and nobody is charged for another. */
import { type Random, seededRandom } from '@spillway/kernel';
import { expect, test } from 'vitest';
import type { Verdict } from '../core/decision.ts';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import type { LimitStore, MixedOperations } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import type { FakeClock } from './fake-clock.ts';
import { HOSTILE_KEYS } from './hostile-keys.ts';
import { mixedPureStore, type PureStore, pureStore } from './pure-store.ts';
import { walkStore } from './walk-store.ts';

export interface MixedContext {
  readonly store: () => LimitStore;
  readonly clock: () => FakeClock;
  readonly steps: number;
  readonly seed: number;
}

const everybody = tokenBucket({ name: 'everybody', capacity: 15, refill: { tokens: 15, every: '1m' } });

/** `tens`: one policy of ten units for each strategy of the store. */
export function mixedCases({ store, clock, steps, seed }: MixedContext, tens: readonly Policy[]): void {
  const mixed = (): MixedOperations => {
    const operations = store().mixed;
    if (operations === undefined) throw new Error('This store lists no mixed');
    return operations;
  };
  const of = (client: string, policies: readonly Policy[]) =>
    policies.map((each) => (each === everybody ? 'all' : client));
  const timed = tens.filter(({ strategy }) => strategy !== 'concurrency');
  const policies = [...timed, everybody];
  const take = async (client: string, cost: number, id?: string): Promise<readonly Verdict[]> =>
    (await mixed().take(of(client, policies), policies, cost, id)).verdicts;
  const left = async (client: string) => {
    const verdicts = await mixed().peek(of(client, policies), policies, 1);
    return verdicts.map(({ remaining }) => remaining);
  };
  const allowed = (verdicts: readonly Verdict[]) => verdicts.every(({ outcome }) => outcome === 'allowed');
  const each = (remaining: number) => timed.map(() => remaining);

  test('G2: several subjects are charged together: all or none', async () => {
    expect(allowed(await take('ada', 9))).toBe(true);
    // Everybody's has six left, and grace ten: nothing of hers is taken.
    const refused = await take('grace', 7);
    expect(refused.map(({ outcome }) => outcome)).toEqual([...timed.map(() => 'allowed'), 'denied']);
    expect(await left('grace')).toEqual([...each(10), 6]);
    // Ada has one left: nothing of everybody's is taken.
    expect(allowed(await take('ada', 2))).toBe(false);
    expect(await left('ada')).toEqual([...each(1), 6]);
    expect(allowed(await take('grace', 6))).toBe(true);
    expect(await left('grace')).toEqual([...each(4), 0]);
  });

  test('G2: takes of many clients at the same time get what everybody has', async () => {
    const clients = Array.from({ length: 60 }, (_, at) => `client-${at % 20}`);
    const all = await Promise.all(clients.map((client) => take(client, 1)));
    expect(all.filter(allowed)).toHaveLength(15);
  });

  test('a subject’s state is the same whoever asks: alone, or among others', async () => {
    await take('ada', 3);
    for (const policy of timed) {
      const [alone] = await store().peek('ada', [policy], 1);
      expect(alone).toMatchObject({ remaining: 7 });
    }
    await store().take('all', [everybody], 12);
    expect(allowed(await take('grace', 1))).toBe(false);
    await store().reset('all', [everybody]);
    await store().block('grace', timed.slice(0, 1), 5e6);
    expect((await take('grace', 1))[0]).toMatchObject({ reason: 'blocked' });
    expect(await left('ada')).toEqual([...each(7), 15]);
  });

  test('G2: an id is charged once for these subjects, and refunded to each of them', async () => {
    for (let repeat = 0; repeat < 3; repeat += 1) expect(allowed(await take('ada', 4, 'one'))).toBe(true);
    expect(await left('ada')).toEqual([...each(6), 11]);
    // Another client's, by the same id.
    expect(allowed(await take('grace', 4, 'one'))).toBe(true);
    expect(await left('grace')).toEqual([...each(6), 7]);
    for (let repeat = 0; repeat < 2; repeat += 1) {
      await mixed().refund(of('ada', policies), policies, { cost: 4, id: 'one' });
    }
    expect(await left('ada')).toEqual([...each(10), 11]);
  });

  test('G8: no two subjects meet, whatever characters they hold', async () => {
    const one = tokenBucket({ name: 'one', capacity: 1, refill: { tokens: 1, every: '1h' } });
    const pair = [timed[0] as Policy, one];
    for (const key of HOSTILE_KEYS) {
      const first = await mixed().take(['ada', key], pair, 1, `id-${key}`);
      await store().reset('ada', pair);
      expect(allowed(first.verdicts), JSON.stringify(key.slice(0, 30))).toBe(true);
      expect((await mixed().take(['ada', key], pair, 1)).verdicts[1]).toMatchObject({ outcome: 'denied' });
    }
  });

  test('G2: agrees with the pure steps', async () => {
    const random = seededRandom(seed);
    const sets: readonly (readonly Policy[])[] = [[...tens, everybody], policies, [everybody, ...timed.slice(0, 2)]];
    let chosen = sets[0] as readonly Policy[];
    const policiesOf = (step: number): readonly Policy[] => {
      if (step % 40 === 0) chosen = pick(sets, random);
      return chosen;
    };
    const keysOf = (key: string, asked: readonly Policy[]) => of(key, asked);
    const pure: PureStore = mixedPureStore(pureStore(clock()), keysOf);
    const walked = mixedFacade(store(), mixed(), keysOf);
    await walkStore({ store: walked, pure, clock: clock(), random, steps, policiesOf, title: `mixed, seed ${seed}` });
  });
}

const pick = <T>(of: readonly T[], random: Random): T => of[Math.floor(random() * of.length)] as T;

type KeysOf = (key: string, policies: readonly Policy[]) => readonly string[];

/** One key stands for the client, and everybody is there. */
function mixedFacade(store: LimitStore, mixed: MixedOperations, keysOf: KeysOf): LimitStore {
  const { reserve } = mixed;
  const one = async (
    key: string,
    policies: readonly Policy[],
    act: (key: string, of: readonly Policy[]) => Promise<void>,
  ) => {
    const keys = keysOf(key, policies);
    for (const [at, policy] of policies.entries()) await act(keys[at] ?? '', [policy]);
  };
  return {
    scope: store.scope,
    strategies: store.strategies,
    take: (key, policies, cost, id) => mixed.take(keysOf(key, policies), policies, cost, id),
    ...(reserve && { reserve: (key, policies, cost, asked) => reserve(keysOf(key, policies), policies, cost, asked) }),
    peek: (key, policies, cost) => mixed.peek(keysOf(key, policies), policies, cost),
    refund: (key, policies, refund) => mixed.refund(keysOf(key, policies), policies, refund),
    block: (key, policies, forUs) => one(key, policies, (each, of) => store.block(each, of, forUs)),
    reset: (key, policies) => one(key, policies, (each, of) => store.reset(each, of)),
  };
}
