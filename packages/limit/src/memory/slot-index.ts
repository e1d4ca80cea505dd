/**
 * A map from keys to slots that grows without a pause: many small maps, since one large map copies itself whole when it
 * doubles, 100 ms at a million keys. A key's characters choose the map cheaply; an outsider who makes them collide gets one large
 * map back, nothing worse.
 */
export interface SlotIndex {
  get(key: string): number | undefined;
  set(key: string, slot: number): void;
  delete(key: string): void;
  readonly size: number;
}

const SHARDS = 64;

export function createSlotIndex(): SlotIndex {
  const shards = Array.from({ length: SHARDS }, () => new Map<string, number>());
  const spare = new Map<string, number>();
  const shardOf = (key: string): Map<string, number> => shards[shardNumber(key)] ?? spare;
  let size = 0;
  return {
    get: (key) => shardOf(key).get(key),
    set(key, slot) {
      const shard = shardOf(key);
      const before = shard.size;
      shard.set(key, slot);
      size += shard.size - before;
    },
    delete(key) {
      if (shardOf(key).delete(key)) size -= 1;
    },
    get size() {
      return size;
    },
  };
}

// The last characters of addresses and ids differ most. Past either end charCodeAt gives NaN, which `|` takes for 0.
function shardNumber(key: string): number {
  const end = key.length;
  const last = key.charCodeAt(end - 1) | 0;
  const second = key.charCodeAt(end - 2) | 0;
  const third = key.charCodeAt(end - 3) | 0;
  const fifth = key.charCodeAt(end - 5) | 0;
  return (last ^ (second << 2) ^ (third << 4) ^ (fifth << 1) ^ end) & (SHARDS - 1);
}
