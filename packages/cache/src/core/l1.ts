import { createAdaptiveEviction } from './adaptive-eviction.ts';
import { WINDOW } from './eviction.ts';
import { createFamiliarStrings } from './familiar-strings.ts';
import { hashKey } from './hash-key.ts';
import type { EntryUnderTags, L1Entry } from './l1-entry.ts';

export interface L1Bounds {
  readonly maxEntries: number;
  /** Keys and values together, as estimated; see `entryBytes`. */
  readonly maxBytes: number;
}

/** What is stored under a key. */
export interface L1Record<Value> {
  readonly value: Value | undefined;
  readonly negative: boolean;
  readonly freshUntilUs: number;
  readonly ceilingUs: number;
  readonly usableUntilUs: number;
  readonly epoch: number;
  /** Retained for as long as it is stored. Undefined: it is under no tags. */
  readonly tagged: EntryUnderTags | undefined;
  /** Of the value alone. */
  readonly valueBytes: number;
}

/** The first tier: a bounded map. It knows no clock; whoever reads an entry judges its age. */
export interface L1<Value> {
  get(key: string): L1Entry<Value> | undefined;
  /** Marks an entry as used. */
  touch(entry: L1Entry<Value>): void;
  put(key: string, record: L1Record<Value>): void;
  delete(key: string): boolean;
  clear(): void;
  readonly entries: number;
  readonly bytes: number;
  /** Entries that left to make room. */
  readonly evicted: number;
  /** Values that did not fit at all. */
  readonly tooLarge: number;
}

/** What an entry costs besides its key and value: two map slots, the node, its numbers. Measured on V8, rounded up. */
const ENTRY_OVERHEAD_BYTES = 250;

const entryBytes = (key: string, valueBytes: number): number => ENTRY_OVERHEAD_BYTES + 2 * key.length + valueBytes;

export function createL1<Value>(
  bounds: L1Bounds,
  onBound: (bound: 'l1-entries' | 'l1-bytes') => void,
  /** 32 random bits, so that nobody can know which keys share a count. */
  seed: number,
): L1<Value> {
  const eviction = createAdaptiveEviction<L1Entry<Value>>(bounds.maxEntries);
  const entries = new Map<string, L1Entry<Value>>();
  const familiar = createFamiliarStrings();
  let bytes = 0;
  let evicted = 0;
  let tooLarge = 0;

  const remove = (entry: L1Entry<Value>): void => {
    entries.delete(entry.key);
    eviction.remove(entry);
    bytes -= entry.bytes;
    entry.tagged?.under.release();
  };

  const makeRoom = (forEntries: number, forBytes: number): void => {
    while (entries.size + forEntries > bounds.maxEntries || bytes + forBytes > bounds.maxBytes) {
      const victim = eviction.victim();
      if (victim === undefined) return;
      onBound(entries.size + forEntries > bounds.maxEntries ? 'l1-entries' : 'l1-bytes');
      remove(victim);
      evicted += 1;
    }
  };

  return {
    get: (key) => entries.get(familiar(key)),
    touch: (entry) => eviction.touch(entry),
    put(key, record) {
      const size = entryBytes(key, record.valueBytes) + (record.tagged?.under.bytes ?? 0);
      const present = entries.get(key);
      if (size > bounds.maxBytes) {
        if (present !== undefined) remove(present);
        tooLarge += 1;
        onBound('l1-bytes');
        return;
      }
      const { value, negative, freshUntilUs, ceilingUs, usableUntilUs, epoch, tagged } = record;
      tagged?.under.retain();
      if (present !== undefined) {
        // In place, so that a refreshed entry keeps its standing with the eviction policy; somebody asked for it.
        eviction.touch(present);
        bytes += size - present.bytes;
        present.tagged?.under.release();
        Object.assign(present, {
          value,
          negative,
          freshUntilUs,
          ceilingUs,
          usableUntilUs,
          epoch,
          tagged,
          bytes: size,
          state: 'fresh',
        });
        makeRoom(0, 0);
        return;
      }
      makeRoom(1, size);
      const entry: L1Entry<Value> = {
        key,
        value,
        negative,
        freshUntilUs,
        ceilingUs,
        usableUntilUs,
        epoch,
        tagged,
        bytes: size,
        state: 'fresh',
        hash: hashKey(key, seed),
        uses: 0,
        usedAt: 0,
        queuedAt: 0,
        segment: WINDOW,
        newer: undefined,
        older: undefined,
      };
      entries.set(key, entry);
      eviction.add(entry);
      bytes += size;
    },
    delete(key) {
      const entry = entries.get(key);
      if (entry === undefined) return false;
      remove(entry);
      return true;
    },
    clear() {
      for (const entry of [...entries.values()]) remove(entry);
    },
    get entries() {
      return entries.size;
    },
    get bytes() {
      return bytes;
    },
    get evicted() {
      return evicted;
    },
    get tooLarge() {
      return tooLarge;
    },
  };
}
