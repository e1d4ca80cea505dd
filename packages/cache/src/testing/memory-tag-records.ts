import type { Clock } from '@spillway/kernel';
import type { Outdated } from '../core/outdated.ts';
import type { TagRecord } from '../store.ts';

interface Kept extends TagRecord {
  readonly goneMs: number;
}

/** The records of tags of a `memoryCacheStore`. */
export interface MemoryTagRecords {
  read(cache: string, tags: readonly string[]): (TagRecord | undefined)[];
  claim(cache: string, tags: readonly string[], forMs: number): TagRecord[];
  outdate(cache: string, tags: readonly string[], as: Outdated): void;
  clear(): void;
  readonly size: number;
}

export function memoryTagRecords(clock: Clock): MemoryTagRecords {
  const records = new Map<string, Kept>();
  let words = 0;
  const nowMs = (): number => clock.nowUs() / 1000;
  const nextWord = (): string => `w${++words}`;
  const idOf = (cache: string, tag: string): string => JSON.stringify([cache, tag]);
  const get = (cache: string, tag: string): Kept | undefined => {
    const kept = records.get(idOf(cache, tag));
    return kept === undefined || kept.goneMs <= nowMs() ? undefined : kept;
  };
  const shown = ({ era, version }: Kept): TagRecord => ({ era, version });

  return {
    read: (cache, tags) =>
      tags.map((tag) => {
        const kept = get(cache, tag);
        return kept === undefined ? undefined : shown(kept);
      }),
    claim: (cache, tags, forMs) =>
      tags.map((tag) => {
        const kept = get(cache, tag) ?? { era: nextWord(), version: nextWord(), goneMs: 0 };
        records.set(idOf(cache, tag), { ...kept, goneMs: Math.max(kept.goneMs, nowMs() + forMs) });
        return shown(kept);
      }),
    outdate(cache, tags, as) {
      for (const tag of tags) {
        const kept = get(cache, tag);
        if (kept === undefined || as === 'invalidated') records.delete(idOf(cache, tag));
        else records.set(idOf(cache, tag), { ...kept, version: nextWord() });
      }
    },
    clear: () => records.clear(),
    get size() {
      return records.size;
    },
  };
}
