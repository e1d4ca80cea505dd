import { describe, expect, test } from 'vitest';
import { type BatchLoader, type Cache, createCache } from '../index.ts';
import { type HandClock, handClock, settle } from '../testing/fixture.ts';
import { memoryBuses } from '../testing/memory-bus.ts';
import { memoryCacheStore } from '../testing/memory-cache-store.ts';
import { createList, type IdPage, type List } from './index.ts';

interface Order {
  readonly id: string;
  readonly title: string;
}

interface Query {
  readonly status: readonly string[];
  readonly from?: string | undefined;
}

/** Two instances with a list each, over one truth of 25 orders, ten on a page. */
function orders() {
  const clock: HandClock = handClock();
  const l2 = memoryCacheStore(clock);
  const nextBus = memoryBuses();
  const truth = new Map(Array.from({ length: 25 }, (_, i) => [`o${i}`, { id: `o${i}`, title: `order ${i}` }]));
  const loaded = { pages: 0, batches: [] as (readonly string[])[] };
  const loadPage = async ({ from }: Query): Promise<IdPage | undefined> => {
    loaded.pages += 1;
    const ids = [...truth.keys()];
    const first = from === undefined ? 0 : ids.indexOf(from);
    if (first < 0) return undefined;
    return { ids: ids.slice(first, first + 10), next: ids[first + 10] };
  };
  const loadEntities: BatchLoader<Order> = async (ids) => {
    loaded.batches.push(ids);
    return new Map(ids.flatMap((id) => (truth.has(id) ? [[id, truth.get(id) as Order]] : [])));
  };
  const create = (): { entities: Cache<Order>; list: List<Query, Order> } => {
    const bus = nextBus();
    const pages = createCache<IdPage>({ name: 'pages', ttl: '1m', l2, bus, clock });
    const entities = createCache<Order>({ name: 'orders', ttl: '1h', l2, bus, clock });
    return { entities, list: createList({ name: 'orders', pages, entities, loadPage, loadEntities }) };
  };
  return { a: create(), b: create(), truth, loaded, clock };
}

const all: Query = { status: ['open'] };
const titles = async (list: List<Query, Order>, query = all) =>
  (await list.page(query))?.items.map(({ title }) => title);

describe('a list', () => {
  test('is read page by page: the ids once, the entities together, and both from the cache the next time', async () => {
    const { a, b, loaded } = orders();
    const first = await a.list.page(all);
    expect(first?.items.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, i) => `o${i}`));
    expect(first?.next).toBe('o10');
    const last = await a.list.page({ ...all, from: 'o20' });
    expect([last?.items.length, last?.next]).toEqual([5, undefined]);
    await settle();
    expect(await b.list.page({ from: undefined, ...all })).toBeDefined();
    expect(await b.list.page(all)).toEqual(first);
    expect(loaded.batches.map((ids) => ids.length)).toEqual([10, 5]);
  });

  test('one edit of an entity shows in every page of every list and instance at once', async () => {
    const { a, b, truth, loaded } = orders();
    const late: Query = { status: ['open', 'late'] };
    for (const { list } of [a, b]) for (const query of [all, late]) await list.page(query);
    await settle();
    truth.set('o3', { id: 'o3', title: 'edited' });
    await a.entities.invalidate({ key: 'o3' });
    for (const { list } of [a, b]) {
      for (const query of [all, late]) expect((await titles(list, query))?.[3]).toBe('edited');
      await settle();
    }
    expect(loaded.batches.slice(1)).toEqual([['o3']]);
  });

  test('an entity that was deleted is on no page any more, though the page still names it', async () => {
    const { a, truth } = orders();
    await a.list.page(all);
    truth.delete('o3');
    await a.entities.invalidate({ key: 'o3' });
    expect(await titles(a.list)).toHaveLength(9);
    await a.list.invalidate([all]);
    expect((await titles(a.list))?.at(-1)).toBe('order 10');
  });

  test('what was added shows when its pages are invalidated, or after their ttl', async () => {
    const { a, b, truth, clock, loaded } = orders();
    const last: Query = { ...all, from: 'o20' };
    await a.list.page(last);
    truth.set('o25', { id: 'o25', title: 'added' });
    expect(await titles(a.list, last)).toHaveLength(5);
    await b.list.invalidate([last]);
    expect(await titles(a.list, last)).toHaveLength(6);
    truth.set('o26', { id: 'o26', title: 'added' });
    clock.advanceMs(60_000);
    expect(await titles(a.list, last)).toHaveLength(7);
    expect(loaded.batches.slice(1)).toEqual([['o25'], ['o26']]);
  });

  test('a page that does not exist is remembered so; a signal and clones reach the entities', async () => {
    const { a, loaded } = orders();
    for (let i = 0; i < 2; i += 1) expect(await a.list.page({ ...all, from: 'nowhere' })).toBeUndefined();
    expect(loaded.pages).toBe(1);
    const shared = await a.list.page(all);
    const cloned = await a.list.page(all, { values: 'cloned' });
    expect([Object.isFrozen(shared?.items[0]), Object.isFrozen(cloned?.items[0])]).toEqual([true, false]);
    await expect(a.list.page(all, { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
  });

  test('G8: lists of different names share no page, and one without a name is refused', async () => {
    const pages = createCache<IdPage>({ name: 'pages', ttl: '1m' });
    const entities = createCache<string>({ name: 'entities', ttl: '1m' });
    const listOf = (name: string, id: string) =>
      createList<number, string>({
        name,
        pages,
        entities,
        loadPage: async () => ({ ids: [id] }),
        loadEntities: async (ids) => new Map(ids.map((each) => [each, each])),
      });
    const lists = [listOf('a', '1'), listOf('a/', '2'), listOf('"a"', '3')];
    const read = await Promise.all(lists.map((list) => list.page(1)));
    expect(read.map((page) => page?.items)).toEqual([['1'], ['2'], ['3']]);
    expect(() => listOf('', '1')).toThrow('A list needs a name');
  });
});
