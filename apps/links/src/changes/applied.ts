import { createKeys, type RedisLink } from '@spillway/redis';

/**
 * Up to which change the entries in this Redis are known to be right. It lives beside them, so that a Redis that is put back
 * to an old snapshot says so itself.
 */
export interface Applied {
  /** Undefined when this Redis does not know. @throws when it does not answer */
  read(): Promise<number | undefined>;
  write(seq: number): Promise<void>;
}

/**
 * The changes after a mark must outlive it in the outbox: a Redis put back to a snapshot that is older than this has none, and
 * all in it counts as invalidated.
 */
export const MARK_LIFE_MS = 86_400_000;

export function createApplied(link: Pick<RedisLink, 'command'>, prefix: string): Applied {
  const key = createKeys({ prefix, package: 'links', version: 1 })('changes', 'applied');
  return {
    async read() {
      const text = await link.command<string | null>('GET', [key]);
      return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
    },
    async write(seq) {
      await link.command('SET', [key, seq, 'PX', MARK_LIFE_MS]);
    },
  };
}
