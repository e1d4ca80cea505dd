import { StoreUnavailableError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { NOT_MODIFIED } from './index.ts';
import { fixture, gate, settle } from './testing/fixture.ts';

/** What tags mean to the other features: an entry of L2 is worth what the records of its tags say, whoever reads it. */
describe('G5: entries under tags', () => {
  const under = { tags: ['users'] };

  test('with leases: what was invalidated by its tag is loaded anew, by one of two', async () => {
    const loads = { concurrent: 10, queued: 10, across: 'processes' } as const;
    const { a, b, busB, truth, load, loads: ran } = fixture({ loads });
    truth.set('k', 'old');
    await a.get('k', load, under);
    await settle();
    expect((await b.look('k', load, under)).from).toBe('l2');
    busB.cut();
    truth.set('k', 'new');
    await a.invalidate({ tags: ['users'] });
    const before = ran();
    const both = await Promise.all([a.get('k', load, under), a.get('k', load, under)]);
    expect([both, ran() - before]).toEqual([['new', 'new'], 1]);
  });

  test('with leases: another instance does not take from L2 what was invalidated by its tag', async () => {
    const loads = { concurrent: 10, queued: 10, across: 'processes' } as const;
    const { a, create, truth, load } = fixture({ loads });
    truth.set('k', 'old');
    await a.get('k', load, under);
    await settle();
    await a.invalidate({ tags: ['users'] });
    truth.set('k', 'new');
    expect(await create().look('k', load, under)).toMatchObject({ value: 'new', from: 'loader' });
  });

  test('with staleWhileRevalidate: what has expired by its tag is not answered while it is loaded', async () => {
    const { a, create, truth, load } = fixture({ staleWhileRevalidate: '1h' });
    truth.set('k', 'old');
    await a.get('k', load, under);
    await settle();
    truth.set('k', 'new');
    await a.expire({ tags: ['users'] });
    expect(await a.get('k', load, under)).toBe('new');
    const late = create({ staleWhileRevalidate: '1h' });
    expect(await late.get('k', load, under)).toBe('new');
  });

  test('with staleWhileRevalidate: a refresh that a tag has overtaken is not kept', async () => {
    const { a, clock, truth, load } = fixture({ staleWhileRevalidate: '1h', l1: { maxEntries: 10, ttl: '1h' } });
    truth.set('k', 'old');
    await a.get('k', load, under);
    await settle();
    clock.advanceMs(61_000);
    const open = gate();
    const slow = async (key: string) => {
      const row = await load(key);
      await open.promise;
      return row;
    };
    expect(await a.look('k', slow, under)).toMatchObject({ value: 'old', from: 'stale' });
    await settle();
    truth.set('k', 'new');
    await a.invalidate({ tags: ['users'] });
    open.resolve();
    await settle();
    expect(await a.look('k', load, under)).toMatchObject({ value: 'new', from: 'loader' });
  });

  test('touch prolongs what is under tags with their records, and not what they have made invalid', async () => {
    const { a, b, clock, truth, load } = fixture({ staleIfError: '0s' });
    truth.set('k', 'old');
    await a.get('k', load, under);
    await settle();
    expect(await a.touch('k', { ttl: '1h' })).toBe('prolonged');
    clock.advanceMs(1_800_000);
    expect((await b.look('k', load, under)).from).toBe('l2');
    await b.invalidate({ tags: ['users'] });
    expect(await a.touch('k', { ttl: '1h' })).toBe('absent');
  });

  test('a loader is not told a previous value that a tag has made invalid', async () => {
    const { a, clock, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load, under);
    await settle();
    clock.advanceMs(61_000);
    await a.invalidate({ tags: ['users'] });
    truth.set('k', 'new');
    const conditional = async (_key: string, { previous }: { previous: string | undefined }) =>
      previous === undefined ? truth.get('k') : NOT_MODIFIED;
    expect(await a.get('k', conditional, under)).toBe('new');
  });

  test('many keys under one tag are loaded anew together once it is invalidated', async () => {
    const { a, create, truth } = fixture();
    const batches: (readonly string[])[] = [];
    const loadMany = async (keys: readonly string[]) => {
      batches.push(keys);
      return new Map(keys.map((key) => [key, truth.get(key)]));
    };
    truth.set('k', 'old').set('m', 'old');
    await a.getMany(['k', 'm'], loadMany, under);
    await settle();
    truth.set('k', 'new').set('m', 'new');
    await a.invalidate({ tags: ['users'] });
    expect(await a.getMany(['k', 'm'], loadMany, under)).toEqual(['new', 'new']);
    await settle();
    expect(await create().getMany(['k', 'm'], loadMany, under)).toEqual(['new', 'new']);
    expect(batches).toEqual([
      ['k', 'm'],
      ['k', 'm'],
    ]);
  });

  test('a stand-in that has answered is not for those who come after its tag was invalidated', async () => {
    const { a, store, clock, truth, load } = fixture({ loads: { concurrent: 10, queued: 10, softTimeout: '1ms' } });
    truth.set('k', 'old');
    await a.get('k', load, under);
    await settle();
    clock.advanceMs(61_000);
    store.turn('down');
    const open = gate();
    const slow = async (key: string) => {
      const row = await load(key);
      await open.promise;
      return row;
    };
    // It does not name the tag: what it loads is not under it, what stands in for it is.
    expect(await a.look('k', slow)).toMatchObject({ value: 'old', from: 'stale' });
    truth.set('k', 'new');
    await a.invalidate({ tags: ['users'] });
    expect(await a.get('k', load)).toBe('new');
    open.resolve();
  });

  test('a call that names no tags lets nothing stand in that its own tag has made invalid, though the message was missed', async () => {
    const { a, b, busB, clock, truth, load } = fixture();
    truth.set('k', 'old');
    await b.get('k', load, under);
    await settle();
    busB.cut();
    await a.invalidate({ tags: ['users'] });
    clock.advanceMs(61_000);
    const away = async (): Promise<undefined> => {
      throw new StoreUnavailableError('load');
    };
    await expect(b.get('k', away)).rejects.toThrow(StoreUnavailableError);
  });

  test('what was deleted stays so under a negative entry that a tag has made old', async () => {
    const { a, b, busB, truth, load } = fixture();
    truth.set('k', 'old');
    await b.get('k', load);
    await settle();
    busB.cut();
    truth.delete('k');
    await a.invalidate({ key: 'k' });
    expect(await a.get('k', load, under)).toBeUndefined();
    await settle();
    await a.expire({ tags: ['users'] });
    busB.restore();
    const away = async (): Promise<undefined> => {
      throw new StoreUnavailableError('load');
    };
    await expect(b.get('k', away)).rejects.toThrow(StoreUnavailableError);
  });

  test('an invalidation of a key and its tags in one is refused, and drops neither silently', async () => {
    const { a } = fixture();
    const both = { key: 'k', tags: ['users'] } as unknown as { key: string };
    await expect(a.invalidate(both)).rejects.toThrow(/one of key, keys and tags, got \["key","tags"\]/);
    await expect(a.expire({} as { key: string })).rejects.toThrow('one of key, keys and tags');
  });

  test('a write is under the tags as they were before the change: one invalidated during it is not kept', async () => {
    const { a, create, truth, load } = fixture();
    const change = (value: string, meanwhile: () => Promise<unknown>) => async () => {
      truth.set('k', value);
      await meanwhile();
      return value;
    };
    await a.write(
      'k',
      change('one', async () => undefined),
      under,
    );
    await settle();
    expect(await create().look('k', load, under)).toMatchObject({ value: 'one', from: 'l2' });
    const other = create();
    await a.write(
      'k',
      change('two', () => other.invalidate({ tags: ['users'] })),
      under,
    );
    await settle();
    truth.set('k', 'three');
    expect(await create().look('k', load, under)).toMatchObject({ value: 'three', from: 'loader' });
  });
});

test('G5: handles of one cache that share a bus hear each other, and load once', async () => {
  const loads = { concurrent: 100, queued: 100, across: 'processes' } as const;
  const { create, busA, b, truth, load, loads: ran } = fixture({ loads });
  const handles = Array.from({ length: 20 }, () => create({ bus: busA }));
  truth.set('k', 'old');
  const get = () => Promise.all([...handles, b].map((handle) => handle.get('k', load)));
  expect([new Set(await get()), ran()]).toEqual([new Set(['old']), 1]);
  await settle();
  truth.set('k', 'new');
  await handles[7]?.invalidate({ key: 'k' });
  expect([new Set(await get()), ran()]).toEqual([new Set(['new']), 2]);
  await Promise.all(handles.map((handle) => handle.close()));
});
