import { createCache as createSpillway, type ReadOptions } from '@spillway/cache';
import { createCache as createDedupe } from 'async-cache-dedupe';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { createCache as createManager } from 'cache-manager';
import { Cacheable, KeyvCacheableMemory } from 'cacheable';
import { Keyv } from 'keyv';

/** What is cached: as an application would, a small record. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly settings: { readonly theme: string; readonly limit: number };
}

export const load = async (id: string): Promise<User> => ({
  id,
  name: `user ${id}`,
  roles: ['reader', 'editor'],
  settings: { theme: 'dark', limit: id.length },
});

export interface Contestant {
  readonly name: string;
  /** The value from memory, once it is there; one object for all, or one copy for each caller. */
  readonly get: (key: string) => Promise<User | undefined>;
  /** Puts the value there, where `get` does not. */
  readonly fill?: (key: string, value: User) => Promise<unknown>;
}

/** Room for twice the keys, and no entry ends while it is measured. */
const ENTRIES = 2_048;
const TTL_MS = 3_600_000;

/** Each as quick as its documentation knows how to make it: no serialization, no copies; statistics are off unless asked for. */
export function sharing(): Contestant[] {
  return [
    spillway(),
    dedupe(),
    ...bento({ serialize: false }),
    ...manager('Map', plain(new Map())),
    ...manager('LRU', plain(new KeyvCacheableMemory({ lruSize: ENTRIES, useClone: false }))),
    ...cacheable('Map', plain(new Map())),
    ...cacheable('LRU', plain(new KeyvCacheableMemory({ lruSize: ENTRIES, useClone: false }))),
  ];
}

/** Each caller may change what it got: by the library's own means where it has some, else by `structuredClone`. */
export function cloning(): Contestant[] {
  return [
    spillway({ values: 'cloned' }),
    cloned(dedupe()),
    ...bento({}),
    ...manager('Map', new Keyv({ store: new Map() })),
    ...cacheable('LRU', plain(new KeyvCacheableMemory({ lruSize: ENTRIES, useClone: true }))),
  ];
}

function spillway(options?: ReadOptions): Contestant {
  const cache = createSpillway<User>({ name: 'bench', ttl: '1h', l1: { maxEntries: ENTRIES, ttl: '1h' } });
  return { name: 'Spillway', get: (key) => cache.get(key, load, options) };
}

function dedupe(): Contestant {
  const cache = createDedupe({ ttl: TTL_MS / 1_000, storage: { type: 'memory', options: { size: ENTRIES } } });
  const users = cache.define('user', load);
  return { name: 'async-cache-dedupe', get: (key) => users.user(key) };
}

function bento(driver: { readonly serialize?: false }): Contestant[] {
  const memory = bentostore().useL1Layer(memoryDriver({ maxItems: ENTRIES, ...driver }));
  const cache = new BentoCache({ default: 'memory', stores: { memory }, ttl: '1h' });
  return [
    { name: 'bentocache, getOrSet', get: (key) => cache.getOrSet({ key, factory: () => load(key) }) },
    { name: 'bentocache, get', get: (key) => cache.get({ key }), fill: (key, value) => cache.set({ key, value }) },
  ];
}

function manager(kind: string, store: Keyv): Contestant[] {
  const cache = createManager({ stores: [store], ttl: TTL_MS });
  return [
    { name: `cache-manager, ${kind}, wrap`, get: (key) => cache.wrap(key, () => load(key)) },
    {
      name: `cache-manager, ${kind}, get`,
      get: (key) => cache.get<User>(key),
      fill: (key, value) => cache.set(key, value),
    },
  ];
}

function cacheable(kind: string, primary: Keyv): Contestant[] {
  const cache = new Cacheable({ primary, ttl: TTL_MS });
  return [
    { name: `cacheable, ${kind}, getOrSet`, get: (key) => cache.getOrSet(key, () => load(key)) },
    {
      name: `cacheable, ${kind}, get`,
      get: (key) => cache.get<User>(key),
      fill: (key, value) => cache.set(key, value),
    },
  ];
}

const cloned = ({ name, get }: Contestant): Contestant => ({
  name,
  get: async (key) => structuredClone(await get(key)),
});

/** A Keyv that hands out what it was given. */
function plain(store: Map<string, unknown> | KeyvCacheableMemory): Keyv {
  const keyv = new Keyv({ store });
  keyv.serialize = undefined;
  keyv.deserialize = undefined;
  return keyv;
}
