import type { BatchLoader, Cache, GetOptions, Invalidated, LoadContext } from '../cache.ts';
import { keyOf } from '../keys/key-of.ts';

/** What is cached of a page: which entities are on it, and in which order. */
export interface IdPage {
  /** At most 1,000: see `getMany`. */
  readonly ids: readonly string[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string | undefined;
}

/** A page as it is read. */
export interface ListPage<Entity> {
  /** In the order of the ids, without those that do not exist any more: a page may be shorter than its ids. */
  readonly items: readonly Entity[];
  readonly next: string | undefined;
}

export interface ListOptions<Query, Entity> {
  /** Part of the key of every page: no two lists in one cache may share it. */
  readonly name: string;
  /** Holds the pages. Its `ttl` is how long a page may miss an entity that was added, or moved. */
  readonly pages: Cache<IdPage>;
  /** Holds the entities by id; shared with all that reads one by one, and with other lists. */
  readonly entities: Cache<Entity>;
  /** The ids of one page, from the truth; undefined when there is no such page. */
  readonly loadPage: (query: Query, context: LoadContext<IdPage>) => Promise<IdPage | undefined>;
  readonly loadEntities: BatchLoader<Entity>;
}

/** Pages of ids over entities: an entity is cached once, however many pages it is on, and one edit of it shows in all of them. */
export interface List<Query, Entity> {
  /**
   * One page: its ids from the cache of pages, its entities by one `getMany`. Undefined when there is no such page.
   * @throws as `get` and `getMany`; `KeyError` for a query that has no contents to compare
   */
  page(query: Query, options?: Pick<GetOptions, 'signal' | 'values'>): Promise<ListPage<Entity> | undefined>;
  /** After what is on these pages, or its order, has changed. For an entity that was edited or deleted use `entities.invalidate`. */
  invalidate(queries: readonly Query[]): Promise<Invalidated>;
}

/** @throws {TypeError} when `name` is missing: pages of two lists could meet */
export function createList<Query, Entity>(options: ListOptions<Query, Entity>): List<Query, Entity> {
  const { name, pages, entities, loadPage, loadEntities } = options;
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(
      `A list needs a name, which is part of its keys, got ${JSON.stringify(name)}; write e.g. "orders"`,
    );
  }
  const keyFor = (query: Query): string => keyOf({ route: name, query });
  return {
    async page(query, { signal, values } = {}) {
      const own = signal === undefined ? {} : { signal };
      const found = await pages.get(keyFor(query), (_key, context) => loadPage(query, context), own);
      if (found === undefined) return undefined;
      const all = await entities.getMany(found.ids, loadEntities, values === undefined ? own : { ...own, values });
      return { items: all.filter((entity) => entity !== undefined), next: found.next };
    },
    invalidate: (queries) => pages.invalidate({ keys: queries.map(keyFor) }),
  };
}
