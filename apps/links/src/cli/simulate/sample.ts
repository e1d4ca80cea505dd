/**
 * A value for each of very many subjects, known by their hashes, in bounded memory: of all of them up to `most`, and then of a
 * half, a quarter, ... of them, chosen by their hashes alone (adaptive sampling, Wegman 1984; Flajolet 1990). So the same log gives
 * the same sample, and counts are exact until there are more than `most`.
 */
export interface Sample<Value> {
  /** Whether it would be kept. */
  takes(hash: number): boolean;
  get(hash: number): Value | undefined;
  set(hash: number, value: Value): void;
  /** How many there are: counted when `isExact`, else estimated to about `1 / sqrt(most)`. */
  count(): number;
  isExact(): boolean;
  /** Of all, or of those in the sample. */
  values(): Iterable<Value>;
}

export function createSample<Value>(most: number): Sample<Value> {
  const kept = new Map<number, Value>();
  let oneIn = 1;
  const takes = (hash: number) => hash % oneIn === 0;
  return {
    takes,
    get: (hash) => kept.get(hash),
    set(hash, value) {
      if (!takes(hash)) return;
      kept.set(hash, value);
      while (kept.size > most) {
        oneIn *= 2;
        for (const each of kept.keys()) if (!takes(each)) kept.delete(each);
      }
    },
    count: () => kept.size * oneIn,
    isExact: () => oneIn === 1,
    values: () => kept.values(),
  };
}
