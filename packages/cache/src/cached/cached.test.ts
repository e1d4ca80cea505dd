import { describe, expect, test } from 'vitest';
import { createCache } from '../create-cache.ts';
import { KeyError } from '../keys/key-error.ts';
import { cached } from './cached.ts';
import { invalidateCall } from './calls.ts';

let made = 0;
const create = () => createCache<unknown>({ name: `c${made++}`, ttl: '1m', loads: { concurrent: 10, queued: 100 } });

describe('a cached function', () => {
  test('is called once for each list of arguments, however they are written', async () => {
    const calls: unknown[] = [];
    const find = cached(
      async function findOrders(user: string, filters: { from?: Date; open?: boolean }) {
        calls.push(user);
        return { user, n: calls.length, filters };
      },
      { cache: create() },
    );
    expect(find.name).toBe('findOrders');
    const first = await find('ada', { from: new Date(0), open: true });
    expect(await find('ada', { open: true, from: new Date(0) })).toBe(first);
    expect(first.n).toBe(1);
    expect((await find('ada', { from: new Date(1), open: true })).n).toBe(2);
    expect((await find('grace', { from: new Date(0), open: true })).n).toBe(3);
    expect((await Promise.all([find('joan', {}), find('joan', {}), find('joan', {})])).map(({ n }) => n)).toEqual([
      4, 4, 4,
    ]);
  });

  test('is forgotten by a tag that its arguments tell', async () => {
    const cache = create();
    let calls = 0;
    const orders = cached(
      async function ordersOf(user: string, page: number) {
        calls += 1;
        return [user, page, calls];
      },
      { cache, tags: (user) => [`user:${user}`] },
    );
    interface Plan {
      readonly name: string;
    }
    const plans = cached(
      async function planOf(this: Plan, user: string) {
        calls += 1;
        return `${this.name} ${user} ${calls}`;
      },
      {
        cache,
        key(user) {
          return [this.name, user];
        },
        tags(user) {
          return [`user:${user}`, `plans:${this.name}`];
        },
      },
    );
    const all = async () => [
      await orders('7', 1),
      await orders('7', 2),
      await orders('8', 1),
      await plans.call({ name: 'a' }, '7'),
    ];
    const before = await all();
    expect(await all()).toEqual(before);
    await cache.invalidate({ tags: ['user:7'] });
    expect(await all()).toEqual([['7', 1, 5], ['7', 2, 6], before[2], 'a 7 7']);
    await cache.invalidate({ tags: ['plans:a'] });
    expect((await all()).slice(2)).toEqual([before[2], 'a 7 8']);
  });

  test('remembers that there is nothing, and does not remember a failure', async () => {
    let calls = 0;
    const cache = create();
    const nothing = cached(
      function nothing(): string | undefined {
        calls += 1;
        return undefined;
      },
      { cache },
    );
    expect([await nothing(), await nothing(), calls]).toEqual([undefined, undefined, 1]);
    const broken = cached(
      function broken() {
        calls += 1;
        throw new Error('broken');
      },
      { cache },
    );
    await expect(broken()).rejects.toThrow('broken');
    await expect(broken()).rejects.toThrow('broken');
    expect(calls).toBe(3);
  });

  test('depends on what its key says, which sees this', async () => {
    let calls = 0;
    const find = cached(
      async function (this: { tenant: string }, id: number, _trace: string) {
        calls += 1;
        return `${this.tenant} ${id}`;
      },
      {
        cache: create(),
        name: 'find',
        key(this: { tenant: string }, id) {
          return [this.tenant, id];
        },
      },
    );
    const [a, b] = [
      { tenant: 'a', find },
      { tenant: 'b', find },
    ];
    expect([await a.find(1, 'x'), await a.find(1, 'y'), await b.find(1, 'x'), calls]).toEqual(['a 1', 'a 1', 'b 1', 2]);
    expect(await invalidateCall(a.find, [1, ''], a)).toBe('off');
    await Promise.all([a.find(1, 'x'), b.find(1, 'x')]);
    expect(calls).toBe(3);
  });

  test('one answer can be forgotten', async () => {
    let calls = 0;
    const count = cached(
      async function count(of: string) {
        calls += 1;
        return `${of} ${calls}`;
      },
      { cache: create() },
    );
    expect([await count('a'), await count('b')]).toEqual(['a 1', 'b 2']);
    await invalidateCall(count, ['a']);
    expect([await count('a'), await count('b')]).toEqual(['a 3', 'b 2']);
    await expect(invalidateCall(async function other() {}, [])).rejects.toThrow(
      'other() is not cached; pass what cached() made',
    );
  });

  test('arguments of which no key can be made are refused, and the function is not called', async () => {
    let calls = 0;
    const find = cached(
      async function find(_by: unknown) {
        calls += 1;
      },
      { cache: create() },
    );
    await expect(find(() => 1)).rejects.toThrow(KeyError);
    expect(calls).toBe(0);
  });

  test('G8: functions without a name of their own are refused, and those of one cache do not meet', async () => {
    const cache = create();
    expect(() => cached(async () => 1, { cache })).toThrow(/A function without a name .* pass name: '...'/);
    expect(() => cached(async () => 1, { cache, name: '' })).toThrow('name must be a string that is not empty, got ""');
    const one = async function load(_id: number) {
      return 1;
    };
    const first = cached(one, { cache });
    const again = cached(one, { cache });
    const other = async function load(_id: number) {
      return 2;
    };
    expect(() => cached(other, { cache })).toThrow(
      `Another function with the name "load" has its answers in the cache "${cache.name}"; pass a name: '...' of its own`,
    );
    const named = cached(other, { cache, name: 'load 2' });
    expect([await first(1), await again(1), await named(1)]).toEqual([1, 1, 2]);
    expect(await cached(other, { cache: create() })(1)).toBe(2);
  });
});
