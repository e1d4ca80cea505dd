import type { Touched } from '../cache.ts';
import type { CacheSpace } from '../store.ts';
import type { Life } from './shelf-life.ts';
import { isTagged, type Tags } from './tags.ts';

/**
 * Prolongs what the store holds now, in two steps: by the token of what it has read, so that a touch that is stuck on its way can not
 * prolong anything else. What is past its time is left alone: it has to be loaded.
 */
export async function prolong(
  space: Pick<CacheSpace, 'read' | 'touch'>,
  key: string,
  life: Life,
  tags: Pick<Tags, 'prolongRecords'> | undefined,
  onError: (error: unknown) => void,
): Promise<Touched> {
  try {
    const read = await space.read(key);
    if (read.kind !== 'value' || read.freshForMs <= 0) return 'absent';
    if (tags !== undefined && isTagged(read) && !(await tags.prolongRecords(read, life.usableMs))) return 'absent';
    const touch = { token: read.token, freshForMs: life.freshMs, keepForMs: life.usableMs };
    return (await space.touch(key, touch)) === 'touched' ? 'prolonged' : 'absent';
  } catch (error) {
    onError(error);
    return 'unreachable';
  }
}
