import { describe, expect, test } from 'vitest';
import { fixture, gate, settle } from './testing/fixture.ts';

describe('invalidation', () => {
  test('G5: after it, no instance has the old value in any tier', async () => {
    const { a, b, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    await b.get('k', load);
    truth.set('k', 'new');
    await a.invalidate({ key: 'k' });
    expect(a.peek('k')).toBeUndefined();
    expect(b.peek('k')).toBeUndefined();
    expect(await b.get('k', load)).toBe('new');
    expect(await a.get('k', load)).toBe('new');
  });

  test('G5: a load that read the old row and was overtaken puts it back nowhere, and its waiters get the new one', async () => {
    const { a, b, truth, load } = fixture();
    truth.set('k', 'old');
    const read = gate();
    const slow = async (key: string) => {
      const row = truth.get(key);
      await read.promise;
      return row;
    };
    const waiting = a.get('k', slow);
    await settle();
    truth.set('k', 'new');
    await b.invalidate({ key: 'k' });
    read.resolve();
    expect(await waiting).toBe('new');
    await settle();
    expect(a.peek('k')?.value).toBe('new');
    expect(await b.get('k', load)).toBe('new');
  });

  test('G5: a load overtaken in another process, whose bus is silent, fills neither L2 nor stays fresh in L1', async () => {
    const { a, b, busA, truth, load } = fixture();
    busA.cut();
    truth.set('k', 'old');
    const read = gate();
    const waiting = a.get('k', async (key) => {
      const row = truth.get(key);
      await read.promise;
      return row;
    });
    await settle();
    truth.set('k', 'new');
    await b.invalidate({ key: 'k' });
    read.resolve();
    await waiting;
    await settle();
    expect(a.stats().l2).toMatchObject({ filled: 0, refused: 1 });
    expect(a.peek('k')?.state).toBe('stale');
    expect(await b.get('k', load)).toBe('new');
    expect(await a.get('k', load)).toBe('new');
  });

  test('G5: a bus message that arrives while L2 is being read keeps the old value out of L1', async () => {
    const { a, b, store, truth, load } = fixture();
    truth.set('k', 'old');
    await b.get('k', load);
    await settle();
    const answer = gate();
    store.after = (operation) => (operation === 'read' ? answer.promise : undefined);
    const waiting = a.get('k', load);
    await settle();
    truth.set('k', 'new');
    await b.invalidate({ key: 'k' });
    store.after = () => undefined;
    answer.resolve();
    expect(await waiting).toBe('new');
    expect(a.peek('k')?.value).toBe('new');
  });

  test('G5: who asks after an invalidation does not join a look-up from before it', async () => {
    const { a, truth, load } = fixture();
    truth.set('k', 'old');
    const read = gate();
    const before = a.get('k', async (key) => {
      const row = truth.get(key);
      await read.promise;
      return row;
    });
    await settle();
    truth.set('k', 'new');
    await a.invalidate({ key: 'k' });
    expect(await a.get('k', load)).toBe('new');
    read.resolve();
    expect(await before).toBe('new');
    expect(a.peek('k')?.value).toBe('new');
  });

  test('G5: a flush of L2 during a load refuses its fill', async () => {
    const { a, store, truth } = fixture();
    truth.set('k', 'old');
    const read = gate<string>();
    const waiting = a.get('k', () => read.promise);
    await settle();
    store.flush();
    read.resolve('old');
    await waiting;
    await settle();
    expect(store.size).toBe(0);
    expect(a.peek('k')?.state).toBe('stale');
  });

  test('G5: the refresh of a stale entry that was overtaken does not put it back either', async () => {
    const { a, b, busA, clock, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    clock.advanceMs(61_000);
    busA.cut();
    const read = gate();
    const waiting = a.get('k', async (key) => {
      const row = truth.get(key);
      await read.promise;
      return row;
    });
    await settle();
    truth.set('k', 'new');
    await b.invalidate({ key: 'k' });
    read.resolve();
    await waiting;
    await settle();
    expect(await b.get('k', load)).toBe('new');
    expect(await a.get('k', load)).toBe('new');
  });

  test('G5: after a gap in the bus everything in L1 is proven again before its next use', async () => {
    const { a, b, busA, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    busA.cut();
    truth.set('k', 'new');
    await b.invalidate({ key: 'k' });
    busA.restore();
    expect(a.peek('k')).toMatchObject({ value: 'old', state: 'stale' });
    expect(await a.get('k', load)).toBe('new');
    expect(a.stats().gaps).toBe(1);
  });

  test('G5: while the bus is silent for longer than a stall, nothing from before the silence is fresh', async () => {
    const { a, b, busA, clock, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    busA.cut();
    a.peek('k');
    truth.set('k', 'new');
    await b.invalidate({ key: 'k' });
    clock.advanceMs(500);
    expect(a.peek('k')).toMatchObject({ value: 'old', state: 'stale' });
    expect(await a.get('k', load)).toBe('new');
    // What was read since then is used, up to the ceiling; the silence does not begin anew.
    clock.advanceMs(1_000);
    expect(a.peek('k')?.state).toBe('fresh');
    expect(a.stats().gaps).toBe(1);
  });

  test('a bus that was silent for no longer than a stall, and missed nothing, costs nothing', async () => {
    const { a, busA, clock, load } = fixture();
    await a.get('k', load);
    busA.live = false;
    a.peek('k');
    clock.advanceMs(300);
    a.peek('k');
    busA.live = true;
    clock.advanceMs(300);
    expect(a.peek('k')?.state).toBe('fresh');
    expect(a.stats().gaps).toBe(0);
  });

  test('G5: whoever asks after a gap does not join a load that began before it', async () => {
    const { a, b, busA, truth, load } = fixture();
    truth.set('k', 'old');
    const read = gate();
    const before = a.get('k', async (key) => {
      const row = truth.get(key);
      await read.promise;
      return row;
    });
    await settle();
    busA.cut();
    truth.set('k', 'new');
    await b.invalidate({ key: 'k' });
    busA.restore();
    const after = a.get('k', load);
    read.resolve();
    expect(await Promise.all([before, after])).toEqual(['new', 'new']);
    expect(a.stats().flights).toBe(0);
  });

  test('an entry read across a gap is not fresh', async () => {
    const { a, busA } = fixture();
    const read = gate<string>();
    const waiting = a.get('k', () => read.promise);
    await settle();
    busA.cut();
    busA.restore();
    read.resolve('v');
    await waiting;
    expect(a.peek('k')?.state).toBe('stale');
  });

  test('only keys go over the bus, and a message that none of us sent counts as a gap', async () => {
    const { a, b, busA, busB } = fixture();
    await b.get('k', async () => 'v');
    await a.set('k', 'secret value');
    expect(busA.sent).toEqual(['{"kind":"invalidated","keys":["k"]}']);
    await b.get('k', async () => 'v');
    const odd = [
      '',
      'null',
      '[]',
      '["k"]',
      '"k"',
      '{"k":1}',
      '{"kind":"invalidated"}',
      '{"kind":"expired","keys":[1]}',
    ];
    const odder = [
      '{"kind":"replayed","keys":["k"]}',
      '{"kind":"invalidated","keys":["k"],"pendingBy":1}',
      '{"kind":"x","keys":[]}',
    ];
    for (const message of [...odd, ...odder]) {
      await b.get('k', async () => 'v');
      busA.publish('cache:test', message);
      expect(b.peek('k')?.state).toBe('stale');
    }
    expect(busB.sent).toEqual([]);
  });

  test('many keys at once, repeated ones once, more than fit in one message', async () => {
    const { a, b, busA } = fixture();
    const keys = Array.from({ length: 1_200 }, (_, i) => `k${i}`);
    for (const key of keys) await b.get(key, async () => 'v');
    await a.invalidate({ keys: [...keys, ...keys] });
    expect(keys.every((key) => b.peek(key) === undefined)).toBe(true);
    expect(busA.sent).toHaveLength(3);
    await a.invalidate({ keys: [] });
    expect(busA.sent).toHaveLength(3);
  });
});

describe('set', () => {
  test('puts a value in every tier, in place of the old one everywhere', async () => {
    const { a, b, truth, load, loads } = fixture();
    truth.set('k', 'old');
    await b.get('k', load);
    truth.set('k', 'new');
    await a.set('k', 'new');
    expect(a.peek('k')).toMatchObject({ value: 'new', state: 'fresh' });
    expect(b.peek('k')).toBeUndefined();
    expect(await b.look('k', load)).toMatchObject({ value: 'new', from: 'l2' });
    expect(loads()).toBe(1);
  });

  test('undefined is a negative entry', async () => {
    const { a, b, load } = fixture();
    await a.set('k', undefined);
    expect(await b.look('k', load)).toEqual({ value: undefined, from: 'l2', negative: true });
  });

  test('two at once on two instances leave both with the same value', async () => {
    for (const slow of ['replace', 'fill'] as const) {
      const { a, b, store, load } = fixture();
      const held = gate();
      let holds = 0;
      store.after = (operation) => (operation === slow && ++holds === 1 ? held.promise : undefined);
      const first = a.set('k', 'from a');
      await settle();
      await b.set('k', 'from b');
      held.resolve();
      await first;
      const [seenByA, seenByB] = [await a.get('k', load), await b.get('k', load)];
      expect([slow, seenByA]).toEqual([slow, seenByB]);
    }
  });

  test('one whose fill was refused is not fresh in L1 either, though the bus says nothing', async () => {
    const { a, b, busA, store, load } = fixture();
    busA.cut();
    const held = gate();
    let holds = 0;
    store.before = (operation) => (operation === 'fill' && ++holds === 1 ? held.promise : undefined);
    const late = a.set('k', 'old');
    await settle();
    await b.set('k', 'new');
    held.resolve();
    await late;
    expect(a.peek('k')).toBeUndefined();
    expect(await a.get('k', load)).toBe('new');
  });

  test('a late one does not put its old value over a newer one', async () => {
    const { a, b, store, load } = fixture();
    const stuck = gate();
    let holds = 0;
    store.before = (operation) => (operation === 'fill' && ++holds === 1 ? stuck.promise : undefined);
    const late = a.set('k', 'old');
    await settle();
    await b.set('k', 'new');
    stuck.resolve();
    await late;
    expect(await b.get('k', load)).toBe('new');
    expect(await a.get('k', load)).toBe('new');
  });
});
