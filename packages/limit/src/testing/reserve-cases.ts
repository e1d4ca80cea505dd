/** What `reserve` does alike in every store that has it: leases, and what shares gave while the store was away. */
import { describe, expect, test } from 'vitest';
import { blocked } from '../core/answers.ts';
import type { Verdict } from '../core/decision.ts';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import type { LimitStore, Reserve, Reserved } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import { stepsOf } from '../strategies/strategy-of.ts';
import type { FakeClock } from './fake-clock.ts';
import { changesWithinUs } from './walked-policies.ts';

/** The suite's, made anew for each test. */
export interface ReserveContext {
  readonly store: () => LimitStore;
  readonly clock: () => FakeClock;
  /** What the store keeps, without the times to live; nothing where nobody may look. */
  readonly kept: () => Promise<readonly unknown[]>;
}

const hasWindows = ({ strategy }: Policy): boolean => strategy !== 'token-bucket' && strategy !== 'gcra';

/** `tens`: one policy of ten units for each strategy of the store. */
export function reserveCases({ store, clock, kept }: ReserveContext, tens: readonly Policy[]): void {
  const leasable = tens.filter((policy) => stepsOf(policy).leasing !== undefined);

  const reserve = async (
    policies: readonly Policy[],
    key: string,
    cost: number,
    options: Partial<Reserve>,
  ): Promise<Reserved> => {
    const reserved = await store().reserve?.(key, policies, cost, { want: 0, parts: 1, ...options });
    if (reserved === undefined) throw new Error('This store lists no reserve');
    return reserved;
  };
  const peek = async (policy: Policy, key: string): Promise<Verdict> => {
    const [verdict] = await store().peek(key, [policy], 1);
    if (verdict === undefined) throw new Error('no verdict');
    return verdict;
  };
  const left = async (policy: Policy, key: string) => (await peek(policy, key)).remaining;
  const owing = (units: number) => [{ units, atUs: clock().nowUs() }];

  describe.each(leasable)('reserve, $strategy', (policy) => {
    test('charges the take and a lease beside it, no more than a part of what is left', async () => {
      const first = await reserve([policy], 'ada', 2, { want: 3, parts: 2 });
      expect(first).toMatchObject({ granted: 3, verdicts: [{ outcome: 'allowed', remaining: 8 }] });
      expect(first.atUs).toBe(clock().nowUs());
      expect(await left(policy, 'ada')).toBe(5);
      const second = await reserve([policy], 'ada', 1, { want: 100, parts: 2 });
      expect(second).toMatchObject({ granted: 2, verdicts: [{ outcome: 'allowed', remaining: 4 }] });
      expect(await left(policy, 'ada')).toBe(2);
    });

    test('G2: near the limit it is exact: with less left than parts it grants nothing', async () => {
      await store().take('ada', [policy], 6);
      const near = await reserve([policy], 'ada', 1, { want: 5, parts: 4 });
      expect(near).toMatchObject({ granted: 0, windowLeftUs: Number.POSITIVE_INFINITY });
      expect(await left(policy, 'ada')).toBe(3);
    });

    test('G2: a refused one costs nothing and writes nothing', async () => {
      await store().take('ada', [policy], 8);
      const before = await kept();
      for (let knock = 0; knock < 5; knock += 1) {
        const refused = await reserve([policy], 'ada', 3, { want: 2 });
        expect(refused).toMatchObject({ granted: 0, verdicts: [{ outcome: 'denied', remaining: 2 }] });
      }
      expect(await kept()).toEqual(before);
    });

    test('tells how long its window goes on, and gives back within it what was not spent', async () => {
      const lease = await reserve([policy], 'ada', 1, { want: 8 });
      expect(Number.isFinite(lease.windowLeftUs)).toBe(hasWindows(policy));
      if (hasWindows(policy)) expect(lease.windowLeftUs).toBeGreaterThan(0);
      clock().advanceUs(Math.min(6_000_000, lease.windowLeftUs - 1));
      const before = await left(policy, 'ada');
      await store().refund('ada', [policy], { cost: 8, takenAtUs: lease.atUs });
      const after = await left(policy, 'ada');
      // What a bucket refilled meanwhile, one unit, is nobody's to give.
      expect(after - before).toBe(hasWindows(policy) ? 8 : 7);
    });

    test('G2: together takes and leases at the same time never get more than the limit', async () => {
      const all = await Promise.all(Array.from({ length: 50 }, () => reserve([policy], 'ada', 1, { want: 2 })));
      const units = all.reduce(
        (sum, { verdicts, granted }) => sum + granted + (verdicts[0]?.outcome === 'allowed' ? 1 : 0),
        0,
      );
      expect(units).toBe(10);
    });

    test('what is owed is charged first, and whatever becomes of the take', async () => {
      const paid = await reserve([policy], 'ada', 1, { owed: owing(4) });
      expect(paid.verdicts).toMatchObject([{ outcome: 'allowed', remaining: 5 }]);
      const refused = await reserve([policy], 'ada', 4, { owed: owing(2), want: 3 });
      expect(refused).toMatchObject({ granted: 0, verdicts: [{ outcome: 'denied', remaining: 3 }] });
      expect(await left(policy, 'ada')).toBe(3);
    });

    test('G3: what is owed drives nobody into debt', async () => {
      await store().take('grace', [policy], 10);
      const empty = await peek(policy, 'grace');
      await reserve([policy], 'ada', 1, { owed: owing(1e9) });
      expect(await peek(policy, 'ada')).toEqual(empty);
      await reserve([policy], 'ada', 1, { owed: owing(10) });
      expect(await peek(policy, 'ada')).toEqual(empty);
    });

    test('what is owed of a window counts in that window alone, and of a bucket at any time', async () => {
      await store().take('ada', [policy], 1);
      const owed = owing(5);
      clock().advanceUs(2 * changesWithinUs(policy) + 1_000_000);
      const before = await left(policy, 'ada');
      await reserve([policy], 'ada', 1, { owed });
      expect(before - (await left(policy, 'ada'))).toBe(hasWindows(policy) ? 1 : 6);
    });

    test('nothing is owed by a key that is blocked', async () => {
      await store().block('ada', [policy], 5e6);
      const refused = await reserve([policy], 'ada', 1, { owed: owing(5), want: 2 });
      expect(refused).toMatchObject({ granted: 0, verdicts: [blocked(5e6)] });
      clock().advanceUs(5e6);
      expect(await left(policy, 'ada')).toBe(10);
    });
  });

  test('of several policies it grants what each of them has, for as long as the first window lasts', async () => {
    const small = tokenBucket({ name: 'small', capacity: 7, refill: { tokens: 7, every: '1h' } });
    const apart = await Promise.all(leasable.map((policy, at) => reserve([policy], `key-${at}`, 1, { want: 1 })));
    const shortest = Math.min(...apart.map(({ windowLeftUs }) => windowLeftUs));
    const policies = [...leasable, small];
    const owed = policies.map((policy) => ({ units: policy === small ? 2 : 1, atUs: clock().nowUs() }));
    const lease = await reserve(policies, 'ada', 1, { want: 100, parts: 2, owed });
    expect(lease).toMatchObject({ granted: 2, windowLeftUs: shortest });
    expect(lease.verdicts.map(({ remaining }) => remaining)).toEqual([...leasable.map(() => 8), 4]);
    for (const policy of leasable) expect(await left(policy, 'ada')).toBe(6);
    expect(await left(small, 'ada')).toBe(2);
    const refused = await reserve(policies, 'ada', 3, { want: 1 });
    expect(refused.granted).toBe(0);
    for (const policy of leasable) expect(await left(policy, 'ada')).toBe(6);
  });

  test('strategies that take no leases are taken from beside those that owe', async () => {
    const others = tens.filter((policy) => policy.strategy === 'sliding-log');
    const [first] = leasable;
    if (first === undefined) return;
    const policies = [first, ...others];
    const owed = policies.map(() => ({ units: 3, atUs: clock().nowUs() }));
    const { verdicts } = await reserve(policies, 'ada', 1, { owed });
    expect(verdicts.map(({ remaining }) => remaining)).toEqual([6, ...others.map(() => 9)]);
  });
}
