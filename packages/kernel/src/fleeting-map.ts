/**
 * A Map for values that come and go quickly. When V8 rebuilds the table of a Map, after every few deletes, the old table keeps a
 * reference to the new one. Once one of them has got into the old generation, each later one is kept with it, with all that it
 * held, until the next full collection: nothing dies young any more. Here the tables hold numbers, and the values stand apart.
 */
export class FleetingMap<Value extends object> {
  readonly #places = new Map<string, number>();
  readonly #values: (Value | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#places.size;
  }

  get(key: string): Value | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#values[place];
  }

  /** For a key that is not in it. */
  add(key: string, value: Value): void {
    const place = this.#free.pop() ?? this.#values.length;
    this.#values[place] = value;
    this.#places.set(key, place);
  }

  delete(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#values[place] = undefined;
    this.#free.push(place);
  }

  /** In the order in which they were added. */
  values(): Value[] {
    return [...this.#places.values()].map((place) => this.#values[place] as Value);
  }

  clear(): void {
    this.#places.clear();
    this.#values.length = 0;
    this.#free.length = 0;
  }
}
