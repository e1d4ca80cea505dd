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

/** Longer than any entry is kept. */
const KEEP_MS = 7 * 86_400_000;

export function createApplied(link: Pick<RedisLink, 'command'>, prefix: string): Applied {
  const key = createKeys({ prefix, package: 'links', version: 1 })('changes', 'applied');
  return {
    async read() {
      const text = await link.command<string | null>('GET', [key]);
      return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
    },
    async write(seq) {
      await link.command('SET', [key, seq, 'PX', KEEP_MS]);
    },
  };
}
