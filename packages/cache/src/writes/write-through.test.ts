import { StoreUnavailableError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { fixture, settle } from '../testing/fixture.ts';
import { readThrough, writeThrough } from './index.ts';

const world = () => {
  const all = fixture();
  const { truth, load } = all;
  const over = (cache: typeof all.a) =>
    writeThrough<string>({
      cache,
      load,
      // As a trigger or a default would, the truth has its own idea of a value.
      write: async (key, value) => {
        truth.set(key, value.trim());
        return value.trim();
      },
      remove: async (key) => void truth.delete(key),
    });
  return { ...all, here: over(all.a), there: over(all.b), over };
};

describe('readThrough', () => {
  test('loads by what it was bound to, and says where an answer came from', async () => {
    const { a, truth, load } = fixture();
    truth.set('k', 'v');
    const bound = readThrough({ cache: a, load });
    expect(await bound.look('k')).toMatchObject({ value: 'v', from: 'loader' });
    truth.set('k', 'w');
    expect(await bound.get('k')).toBe('v');
    await bound.invalidate({ key: 'k' });
    expect(await bound.get('k', { ttl: '1s' })).toBe('w');
  });
});

describe('writeThrough', () => {
  test('G5: what the truth made of a write is what every instance answers', async () => {
    const { here, there, truth, loads } = world();
    truth.set('k', 'old');
    expect([await here.get('k'), await there.get('k')]).toEqual(['old', 'old']);
    const before = loads();
    expect(await here.put('k', ' new ')).toBe('new');
    expect([await here.get('k'), await there.get('k')]).toEqual(['new', 'new']);
    expect(loads()).toBe(before);
  });

  test('what was removed is known to be nothing', async () => {
    const { here, there, truth, loads } = world();
    truth.set('k', 'old');
    await there.get('k');
    await here.remove('k');
    const before = loads();
    expect(await there.look('k')).toMatchObject({ value: undefined, negative: true });
    expect(loads()).toBe(before);
  });

  test('the truth decides: its error is the caller’s, and reads go to it', async () => {
    const { a, truth, load } = world();
    truth.set('k', 'old');
    const failing = writeThrough<string>({
      cache: a,
      load,
      write: async () => Promise.reject(new StoreUnavailableError('UPDATE')),
      remove: async () => Promise.reject(new StoreUnavailableError('DELETE')),
    });
    await failing.get('k');
    await expect(failing.put('k', 'new')).rejects.toThrow('UPDATE');
    expect(await failing.look('k')).toMatchObject({ value: 'old', from: 'loader' });
    await settle();
    await expect(failing.remove('k')).rejects.toThrow('DELETE');
    expect(await failing.look('k')).toMatchObject({ value: 'old', from: 'loader' });
  });

  test('its time to live may be its own, and a wrong one is told before anything is written', async () => {
    const { here, a, truth, clock } = world();
    await here.put('k', 'v', { ttl: '10ms' });
    clock.advanceMs(11);
    truth.set('k', 'w');
    expect(await here.get('k')).toBe('w');
    await expect(here.put('k', 'x', { ttl: 'soon' as '1s' })).rejects.toThrow('"soon"');
    expect(truth.get('k')).toBe('w');
    expect(a.peek('k')?.value).toBe('w');
  });
});
