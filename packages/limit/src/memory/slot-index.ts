/**
 * Where a key's slot is: open addressing over flat arrays. V8's own Map is slower here, since a key is a fresh string with each
 * take: it computes its hash outside of JavaScript and follows chains through memory.
 *
 * Many small tables, so that none takes long to double. The hash is seeded; an outsider who makes keys collide all the same fills
 * one run of `MAX_PROBES` places, and what comes then goes into a Map, nothing worse.
 */
export interface SlotIndex {
  get(key: string): number | undefined;
  /** Only for a key that is not in it. */
  add(key: string, slot: number): void;
  /** Takes a slot out that is in it. The key is not needed: with many keys its characters are far away in memory. */
  remove(slot: number): void;
  readonly size: number;
}

const SHARDS = 64;
const INITIAL_PLACES = 16;
/** Places looked at for one key. Half full tables have runs of a few; even full of a million honest keys, none reaches this. */
export const MAX_PROBES = 64;

/** Two numbers per place: the hash of the key, and its slot + 1, or 0 in a free place. */
interface Shard {
  places: Int32Array;
  mask: number;
  used: number;
}

/** `keyAt` tells which key a slot is for: the keys stand in the table of slots already. `hashOf` is for tests. */
export function createSlotIndex(
  seed: number,
  keyAt: (slot: number) => string | undefined,
  hashOf: (key: string) => number = (key) => hashString(key, seed),
): SlotIndex {
  const shards: Shard[] = Array.from({ length: SHARDS }, () => ({
    places: new Int32Array(2 * INITIAL_PLACES),
    mask: INITIAL_PLACES - 1,
    used: 0,
  }));
  let hashes = new Int32Array(SHARDS * INITIAL_PLACES);
  const crowd = new Map<string, number>();
  let size = 0;

  // Who is not found is added next: the hash of the last key asked for.
  let lastKey: string | undefined;
  let lastHash = 0;
  const hashOnce = (key: string): number => {
    if (key === lastKey) return lastHash;
    lastKey = key;
    lastHash = hashOf(key);
    return lastHash;
  };

  // The low bits choose the shard, the ones above them the place.
  const shardOf = (hash: number): Shard => shards[hash & (SHARDS - 1)] as Shard;

  /** The place of a key, or -1. */
  const find = ({ places, mask }: Shard, key: string, hash: number): number => {
    let place = (hash >>> 6) & mask;
    for (let probe = 0; probe < MAX_PROBES; probe += 1) {
      const slot = places[2 * place + 1] as number;
      if (slot === 0) return -1;
      if (places[2 * place] === hash && keyAt(slot - 1) === key) return place;
      place = (place + 1) & mask;
    }
    return -1;
  };

  /** The place of a slot, or -1. */
  const placeOf = ({ places, mask }: Shard, slot: number, hash: number): number => {
    let at = (hash >>> 6) & mask;
    for (let probe = 0; probe < MAX_PROBES; probe += 1) {
      if (places[2 * at + 1] === slot + 1) return at;
      at = (at + 1) & mask;
    }
    return -1;
  };

  /** False when the run is too long. */
  const place = ({ places, mask }: Shard, hash: number, slot: number): boolean => {
    let at = (hash >>> 6) & mask;
    for (let probe = 0; probe < MAX_PROBES; probe += 1) {
      if (places[2 * at + 1] === 0) {
        places[2 * at] = hash;
        places[2 * at + 1] = slot + 1;
        return true;
      }
      at = (at + 1) & mask;
    }
    return false;
  };

  const grow = (shard: Shard): void => {
    const { places: old } = shard;
    shard.places = new Int32Array(2 * old.length);
    shard.mask = old.length - 1;
    for (let at = 0; at < old.length; at += 2) {
      const slot = (old[at + 1] as number) - 1;
      if (slot === -1 || place(shard, old[at] as number, slot)) continue;
      shard.used -= 1;
      crowd.set(keyAt(slot) as string, slot);
    }
  };

  /** Frees a place and closes the gap, so that no run is cut in two and no marks of deleted keys add up. */
  const vacate = (shard: Shard, gap: number): void => {
    const { places, mask } = shard;
    let free = gap;
    for (let at = (gap + 1) & mask; places[2 * at + 1] !== 0; at = (at + 1) & mask) {
      const home = ((places[2 * at] as number) >>> 6) & mask;
      // May move back only as far as its home.
      if (((at - home) & mask) < ((at - free) & mask)) continue;
      places[2 * free] = places[2 * at] as number;
      places[2 * free + 1] = places[2 * at + 1] as number;
      free = at;
    }
    places[2 * free + 1] = 0;
    shard.used -= 1;
  };

  return {
    get(key) {
      const hash = hashOnce(key);
      const shard = shardOf(hash);
      const at = find(shard, key, hash);
      if (at !== -1) return (shard.places[2 * at + 1] as number) - 1;
      return crowd.size === 0 ? undefined : crowd.get(key);
    },
    add(key, slot) {
      const hash = hashOnce(key);
      const shard = shardOf(hash);
      size += 1;
      if (slot >= hashes.length) hashes = grown(hashes, slot);
      hashes[slot] = hash;
      if (2 * (shard.used + 1) > shard.mask) grow(shard);
      if (place(shard, hash, slot)) shard.used += 1;
      else crowd.set(key, slot);
    },
    remove(slot) {
      const hash = hashes[slot] as number;
      const shard = shardOf(hash);
      const at = placeOf(shard, slot, hash);
      if (at !== -1) vacate(shard, at);
      else crowd.delete(keyAt(slot) as string);
      size -= 1;
    },
    get size() {
      return size;
    },
  };
}

function grown(array: Int32Array, slot: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(2 * array.length, slot + 1));
  larger.set(array);
  return larger;
}

function hashString(key: string, seed: number): number {
  let hash = seed | 0;
  for (let at = 0; at < key.length; at += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
