import { describe, expect, test } from 'vitest';
import { type BatchLoader, type Loader, NOT_MODIFIED } from './index.ts';
import { fixture, gate, settle } from './testing/fixture.ts';

/** Says that nothing has changed, if it is told what it would have. */
const unchanged: Loader<string> = async (_key, { previous }) => (previous === undefined ? 'loaded' : NOT_MODIFIED);

describe('a conditional refresh', () => {
  test('a loader that finds its previous value unchanged says so, and it lives on in both tiers', async () => {
    const { a, b, clock } = fixture();
    expect(await a.get('k', unchanged)).toBe('loaded');
    await settle();
    clock.advanceMs(61_000);
    const seen: unknown[] = [];
    const look = await a.look('k', async (_key, { previous }) => {
      seen.push(previous);
      return NOT_MODIFIED;
    });
    expect(look).toEqual({ value: 'loaded', from: 'loader', negative: false });
    expect(seen).toEqual(['loaded']);
    await settle();
    clock.advanceMs(58_000);
    expect((await b.look('k', unchanged)).from).toBe('l2');
  });

  test('the previous value may come from L2', async () => {
    const { a, b, clock } = fixture();
    await a.get('k', unchanged);
    await settle();
    clock.advanceMs(61_000);
    expect(await b.look('k', unchanged)).toEqual({ value: 'loaded', from: 'loader', negative: false });
  });

  test('G5: an invalidated value is no previous one, nor is a negative entry; an expired one is', async () => {
    const { a, truth, load } = fixture();
    const seen: unknown[] = [];
    const ask: Loader<string> = async (key, { previous }) => {
      seen.push(previous);
      return truth.get(key);
    };
    truth.set('k', 'v');
    await a.get('none', load);
    for (const [key, how] of [
      ['k', 'expire'],
      ['k', 'invalidate'],
      ['none', 'expire'],
    ] as const) {
      await a.get(key, load);
      await settle();
      await a[how]({ key });
      await a.get(key, ask);
      await settle();
    }
    expect(seen).toEqual(['v', undefined, undefined]);
  });

  test('G5: "not modified" since a moment ago is as old as any load that was overtaken', async () => {
    for (const how of ['live', 'silent'] as const) {
      const { a, b, busA, clock, truth, load } = fixture();
      truth.set('k', 'old');
      await a.get('k', load);
      await settle();
      clock.advanceMs(61_000);
      const asked = gate();
      let asks = 0;
      const waiting = a.get('k', async (key, { previous }) => {
        asks += 1;
        if (asks > 1) return truth.get(key);
        expect(previous).toBe('old');
        await asked.promise;
        return NOT_MODIFIED;
      });
      await settle();
      if (how === 'silent') busA.cut();
      truth.set('k', 'new');
      await b.invalidate({ key: 'k' });
      asked.resolve();
      expect(await waiting).toBe(how === 'live' ? 'new' : 'old');
      await settle();
      expect(await b.get('k', load)).toBe('new');
      expect(await a.get('k', load)).toBe('new');
    }
  });

  test('without a previous value it is a mistake, and told', async () => {
    const { a } = fixture();
    await expect(a.get('k', async () => NOT_MODIFIED)).rejects.toThrow('look at context.previous first');
  });

  test('a batch has the previous values of its keys, and answers for each', async () => {
    const { a, b, clock, truth, load } = fixture();
    for (const key of ['a', 'b']) truth.set(key, key);
    await a.get('a', load);
    await a.get('b', load);
    await settle();
    clock.advanceMs(61_000);
    const seen: unknown[] = [];
    const loadMany: BatchLoader<string> = async (_keys, { previous }) => {
      seen.push([...previous]);
      return new Map<string, string | typeof NOT_MODIFIED>([
        ['a', NOT_MODIFIED],
        ['b', 'new'],
        ['c', 'c'],
      ]);
    };
    expect(await b.getMany(['c', 'b', 'a'], loadMany)).toEqual(['c', 'new', 'a']);
    expect(seen).toEqual([
      [
        ['b', 'b'],
        ['a', 'a'],
      ],
    ]);
    await settle();
    expect(await a.getMany(['a', 'b', 'c'], loadMany)).toEqual(['a', 'new', 'c']);
    expect(seen).toHaveLength(1);
  });
});
