import { defineScript, type RedisLink, ScriptReplyError } from '@spillway/redis';
import type { CacheSpace, TagRecord } from '../store.ts';
import { claimTagLua, expireTagLua } from './tags.lua.ts';

/** Longer than anything is kept. */
const MAX_LIFE_MS = 36 ** 9 - 1;

const claimTagScript = defineScript<
  { readonly key: string; readonly record: string; readonly forMs: number },
  TagRecord
>({
  name: 'cache.claimTag',
  source: claimTagLua,
  keys: ({ key }) => [key],
  args: ({ record, forMs }) => [record, forMs],
  reply(raw) {
    const record = typeof raw === 'string' ? parseTagRecord(raw) : undefined;
    if (record === undefined) throw new ScriptReplyError('cache.claimTag', 'the record of a tag', raw);
    return record;
  },
});

const expireTagScript = defineScript<{ readonly key: string; readonly version: string }, void>({
  name: 'cache.expireTag',
  source: expireTagLua,
  keys: ({ key }) => [key],
  args: ({ version }) => [version],
  reply: () => undefined,
});

/**
 * The records of a cache's tags, each under a key of its own: on a Cluster no two need to share a slot. Commands of one call travel
 * together.
 * @param nextId 16 characters, never the same twice
 */
export function redisTagRecords(
  link: Pick<RedisLink, 'command' | 'get' | 'run'>,
  redisKey: (tag: string) => string,
  nextId: () => string,
): Pick<CacheSpace, 'readTags' | 'claimTags' | 'outdateTags'> {
  return {
    readTags: (tags) => Promise.all(tags.map((tag) => link.get(redisKey(tag)).then(parseTagRecord))),
    claimTags(tags, givenMs) {
      const forMs = Math.max(1, Math.min(Math.ceil(givenMs), MAX_LIFE_MS));
      const life = forMs.toString(36).padStart(9, '0');
      return Promise.all(
        tags.map((tag) =>
          link.run(claimTagScript, { key: redisKey(tag), record: `1G${nextId()}${nextId()}${life}`, forMs }),
        ),
      );
    },
    async outdateTags(tags, as) {
      await Promise.all(
        tags.map(async (tag) => {
          const key = redisKey(tag);
          if (as === 'invalidated') await link.command('UNLINK', [key]);
          else await link.run(expireTagScript, { key, version: nextId() });
        }),
      );
    },
  };
}

/** What is not of this format is nothing: it is written over by the next claim. */
function parseTagRecord(raw: string | null): TagRecord | undefined {
  if (raw === null || raw.length !== 43 || !raw.startsWith('1G')) return undefined;
  return { era: raw.slice(2, 18), version: raw.slice(18, 34) };
}
