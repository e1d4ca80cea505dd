import { StoreUnavailableError } from '@spillway/kernel';
import { afterEach, describe, expect, test } from 'vitest';
import { settle } from '../testing/fixture.ts';
import type { BloomSpace, BloomStore } from './bloom-store.ts';
import { type BloomFilter, createBloomFilter } from './create-bloom-filter.ts';
import { memoryBloomStore } from './memory-bloom-store.ts';
import type { BloomFilterOptions } from './parse-bloom-options.ts';

const open: BloomFilter[] = [];
afterEach(async () => {
  for (let filter = open.pop(); filter !== undefined; filter = open.pop()) await filter.close();
});

const create = (options: Partial<BloomFilterOptions> = {}) => {
  const truth = new Set(['a', 'b']);
  const filter = createBloomFilter({
    name: 'codes',
    store: memoryBloomStore(),
    capacity: 1_000,
    commitWithin: '1ms',
    source: async function* () {
      yield* truth;
    },
    ...options,
  });
  open.push(filter);
  return { filter, truth };
};

const altered = (alter: (space: BloomSpace) => Partial<BloomSpace>, store = memoryBloomStore()): BloomStore => ({
  open: (name, shape) => {
    const space = store.open(name, shape);
    return { ...space, ...alter(space) };
  },
});

describe('a Bloom filter', () => {
  test('says maybe until its first generation is complete, which it builds by itself', async () => {
    const gate = Promise.withResolvers<void>();
    const { filter } = create({
      source: async function* () {
        yield 'a';
        await gate.promise;
        yield 'b';
      },
    });
    expect(await filter.hasMany(['a', 'b', 'nothing'])).toEqual(['maybe', 'maybe', 'maybe']);
    await settle();
    expect(await filter.has('nothing')).toBe('maybe');
    gate.resolve();
    await expect.poll(() => filter.has('nothing')).toBe('absent');
    expect(await filter.hasMany(['a', 'b', 'nothing'])).toEqual(['maybe', 'maybe', 'absent']);
    expect(filter.stats()).toMatchObject({ rebuilt: 1, rebuildsFailed: 0 });
  });

  test('what is added while it is rebuilt is in both generations', async () => {
    const reading = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    let runs = 0;
    const { filter } = create({
      source: async function* () {
        yield 'a';
        runs += 1;
        if (runs === 1) return;
        reading.resolve();
        await gate.promise;
      },
    });
    await filter.rebuild();
    const second = filter.rebuild();
    await reading.promise;
    await filter.add('new');
    expect(await filter.hasMany(['new', 'a', 'nothing'])).toEqual(['maybe', 'maybe', 'absent']);
    gate.resolve();
    expect(await second).toBe('rebuilt');
    expect(await filter.hasMany(['new', 'a', 'nothing'])).toEqual(['maybe', 'maybe', 'absent']);
  });

  test('the source is read only after those who had added before have committed', async () => {
    const { filter, truth } = create({ commitWithin: '200ms' });
    await filter.add('slow');
    const rebuilt = filter.rebuild();
    await settle();
    truth.add('slow');
    expect(await rebuilt).toBe('rebuilt');
    expect(await filter.has('slow')).toBe('maybe');
  });

  test('forgets deleted keys with a new generation', async () => {
    const { filter, truth } = create();
    await filter.rebuild();
    truth.delete('a');
    expect(await filter.has('a')).toBe('maybe');
    await filter.rebuild();
    expect(await filter.has('a')).toBe('absent');
  });

  test('says maybe when the store is away, and an add that nobody knows of is an error', async () => {
    let away = false;
    const fail = async () => Promise.reject(new StoreUnavailableError('x'));
    const store = altered((space) => ({
      check: (batch) => (away ? fail() : space.check(batch)),
      add: (batch) => (away ? fail() : space.add(batch)),
    }));
    const { filter } = create({ store });
    await filter.rebuild();
    expect(await filter.has('nothing')).toBe('absent');
    away = true;
    expect(await filter.has('nothing')).toBe('maybe');
    await expect(filter.add('c')).rejects.toThrow(StoreUnavailableError);
    expect(filter.stats()).toMatchObject({ unknown: 1, maybe: 1, absent: 1 });
  });

  test('a generation is not completed when the source or the store fails for good, and is when it fails for a moment', async () => {
    const { filter: broken } = create({
      source: async function* () {
        yield 'a';
        throw new Error('no table');
      },
    });
    await expect(broken.rebuild()).rejects.toThrow('no table');
    expect(await broken.has('nothing')).toBe('maybe');
    let failures = 2;
    const store = altered((space) => ({
      fill: (token, leaseMs, batch) =>
        failures-- > 0 ? Promise.reject(new StoreUnavailableError('fill')) : space.fill(token, leaseMs, batch),
    }));
    const { filter } = create({ store });
    expect(await filter.rebuild()).toBe('rebuilt');
    failures = 3;
    await expect(filter.rebuild()).rejects.toThrow(StoreUnavailableError);
    expect(await filter.hasMany(['a', 'nothing'])).toEqual(['maybe', 'absent']);
  });

  test('one process builds it at a time, and one of another shape makes it say maybe', async () => {
    const store = memoryBloomStore();
    const gate = Promise.withResolvers<void>();
    const reading = Promise.withResolvers<void>();
    const { filter: one } = create({
      store,
      source: async function* () {
        reading.resolve();
        await gate.promise;
        yield 'a';
      },
    });
    const { filter: two } = create({ store });
    const { filter: larger } = create({ store, capacity: 2_000 });
    const first = one.rebuild();
    await reading.promise;
    expect(await two.rebuild()).toBe('busy');
    gate.resolve();
    expect(await first).toBe('rebuilt');
    expect(await two.has('nothing')).toBe('absent');
    expect(await larger.has('a')).toBe('maybe');
    await larger.add('c');
    expect(await one.has('c')).toBe('maybe');
  });

  test('wrong options are refused, all of them at once', () => {
    const wrong = { name: '', capacity: 0, errorRate: 1, commitWithin: 'soon' as '1s', rebuildEvery: '30d' } as const;
    expect(() => create(wrong)).toThrow(
      /commitWithin: "soon".*\n.*rebuildEvery: .*"30d"|name: .*\n.*capacity: .*got 0\n.*errorRate: .*got 1\n.*commitWithin: "soon".*\n.*rebuildEvery: .*"30d"/,
    );
    expect(() => create({ capacity: 1e10 })).toThrow(
      /capacity: needs \d+ bits at this errorRate, and a bitmap has at most/,
    );
  });
});
