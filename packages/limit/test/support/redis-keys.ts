import type { StoredKey } from '@spillway/limit/testing';
import type { RedisLink } from '@spillway/redis';

/** Every key of limits under `prefix`, in order. */
export async function keysUnder(link: RedisLink, prefix: string): Promise<StoredKey[]> {
  const names: string[] = [];
  let cursor = '0';
  do {
    const [next, page] = await link.command<[string, string[]]>('SCAN', [
      cursor,
      'MATCH',
      `${prefix}:limit:*`,
      'COUNT',
      1000,
    ]);
    names.push(...page);
    cursor = next;
  } while (cursor !== '0');
  return Promise.all(
    [...new Set(names)].sort().map(async (name) => {
      const ttlMs = await link.command<number>('PTTL', [name]);
      return { name, value: await keptIn(link, name), ttlMs: ttlMs === -1 ? undefined : ttlMs };
    }),
  );
}

async function keptIn(link: RedisLink, name: string): Promise<string> {
  const type = await link.command<string>('TYPE', [name]);
  switch (type) {
    case 'string':
      return link.command<string>('GET', [name]);
    case 'list':
      return (await link.command<string[]>('LRANGE', [name, 0, -1])).join();
    case 'zset':
      return (await link.command<string[]>('ZRANGE', [name, 0, -1, 'WITHSCORES'])).join();
    default:
      throw new Error(`${name} is of type ${type}`);
  }
}
