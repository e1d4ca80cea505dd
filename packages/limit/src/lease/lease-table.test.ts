import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Lease, LeaseTable } from './lease-table.ts';

const SECOND = 1_000_000;
const lease = (left: number, sentAtUs: number, endUs = sentAtUs + SECOND): Lease<string> => ({
  left,
  sentAtUs,
  endUs,
  terms: `from ${sentAtUs}`,
});
const table = (maxKeys = 100) => new LeaseTable<string>({ maxAgeUs: SECOND, maxKeys });

describe('the size of a lease', () => {
  test('a key that is taken once asks for nothing, one that is taken again for what it spends', () => {
    const leases = table();
    expect(leases.want('ada', 0)).toBe(0);
    leases.admitted('ada', 0, 1);
    expect(leases.want('ada', 1_000)).toBe(1);
    leases.admitted('ada', 1_000, 7);
    expect(leases.want('ada', 2_000)).toBe(2);
    expect(leases.want('ada', 3_000)).toBe(4);
    expect(leases.want('ada', 4_000)).toBe(8);
    expect(leases.want('ada', 5_000)).toBe(8);
  });

  test('what was spent longer than half of maxAge ago does not count', () => {
    const leases = table();
    leases.want('ada', 0);
    leases.admitted('ada', 0, 100);
    expect(leases.want('ada', SECOND / 2)).toBe(0);
  });

  test('a key that was silent for maxAge begins anew', () => {
    const leases = table();
    leases.want('ada', 0);
    for (let at = 0; at < 10; at += 1) {
      leases.admitted('ada', at, 100);
      leases.want('ada', at);
    }
    leases.want('ada', 2 * SECOND);
    leases.admitted('ada', 2 * SECOND, 100);
    expect(leases.want('ada', 2 * SECOND)).toBe(1);
  });
});

describe('a lease', () => {
  test('is spent until it is empty or its end has come, and not by a cost that it does not cover', () => {
    const leases = table();
    leases.want('ada', 0);
    leases.hold('ada', lease(3, 0));
    expect(leases.spend('ada', 1, 4)).toBeUndefined();
    expect(leases.spend('ada', 1, 2)).toMatchObject({ left: 1, terms: 'from 0' });
    expect(leases.spend('ada', SECOND, 1)).toBeUndefined();
    expect(leases.spend('ada', SECOND - 1, 1)).toMatchObject({ left: 0 });
    expect(leases.spend('ada', SECOND - 1, 1)).toBeUndefined();
    expect(leases.spend('grace', 1, 1)).toBeUndefined();
  });

  test('goes back once: when its end has come, when it is not spent any more, or when it is dropped', () => {
    const leases = table();
    for (const key of ['ended', 'idle', 'busy', 'dropped']) {
      leases.want(key, 0);
      leases.hold(key, lease(5, 0, key === 'ended' ? 10 : SECOND));
    }
    leases.spend('busy', SECOND / 2, 1);
    expect(leases.drop('dropped')).toEqual({ key: 'dropped', units: 5, terms: 'from 0' });
    expect(leases.drop('dropped')).toBeUndefined();
    expect(leases.endDue(SECOND / 2 - 1)).toEqual([]);
    expect(leases.endDue(SECOND / 2).map(({ key }) => key)).toEqual(['ended', 'idle']);
    expect(leases.endDue(SECOND)).toEqual([{ key: 'busy', units: 4, terms: 'from 0' }]);
    expect(leases.endAll()).toEqual([]);
    expect(leases.held).toBe(0);
  });

  test('a new lease of a key gives back what was left of the old one', () => {
    const leases = table();
    leases.want('ada', 0);
    expect(leases.hold('ada', lease(5, 0))).toBeUndefined();
    expect(leases.hold('ada', lease(2, 9))).toEqual({ key: 'ada', units: 5, terms: 'from 0' });
    expect(leases.endAll()).toEqual([{ key: 'ada', units: 2, terms: 'from 9' }]);
  });
});

test('G7: follows at most maxKeys keys, and forgets those that were silent for maxAge', () => {
  const leases = table(10);
  for (let key = 0; key < 1_000; key += 1) leases.want(`k${key}`, 0);
  expect(leases.size).toBe(10);
  expect(leases.hold('k999', lease(5, 0))).toEqual({ key: 'k999', units: 5, terms: 'from 0' });
  for (let key = 0; key < 20; key += 1) leases.want(`late${key}`, SECOND);
  leases.admitted('late0', SECOND, 3);
  expect(leases.want('late0', SECOND)).toBe(1);
  expect(leases.size).toBeLessThanOrEqual(10);
});

test('G2: whatever happens, what is spent and what goes back are together never more than what was granted', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    afterUs: fc.integer({ min: 0, max: 333_333 }),
    what: fc.constantFrom('spend', 'hold', 'drop', 'due'),
    units: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const leases = table(2);
      let nowUs = 0;
      let granted = 0;
      let gone = 0;
      for (const { key, afterUs, what, units } of steps) {
        nowUs += afterUs;
        if (what === 'spend') {
          const from = leases.spend(key, nowUs, units);
          if (from !== undefined) gone += units;
          if (from !== undefined) expect(nowUs).toBeLessThan(from.endUs);
        } else if (what === 'hold') {
          const wanted = leases.want(key, nowUs);
          granted += wanted + units;
          gone += leases.hold(key, lease(wanted + units, nowUs))?.units ?? 0;
        } else if (what === 'drop') gone += leases.drop(key)?.units ?? 0;
        else for (const leftover of leases.endDue(nowUs)) gone += leftover.units;
        expect(gone).toBeLessThanOrEqual(granted);
      }
      for (const leftover of leases.endAll()) gone += leftover.units;
      expect(gone).toBe(granted);
    }),
  );
});
