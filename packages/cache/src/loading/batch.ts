import type { BatchContext, BatchLoader } from '../cache.ts';
import type { Loads } from './loads.ts';
import type { NotModified } from './not-modified.ts';

type Loaded<Value> = Value | NotModified | undefined;

interface Asked<Value> {
  readonly previous: Value | undefined;
  readonly onLate: (value: Loaded<Value>) => void;
  readonly resolve: (value: Loaded<Value>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One load for what several flights miss. It waits until each of them has asked for its key, or is known not to for now; what is
 * asked for later (the key was invalidated during the load) goes into another load.
 */
export class Batch<Value> {
  readonly #loads: Loads;
  readonly #loader: BatchLoader<Value>;
  readonly #open = new Set<string>();
  #asked = new Map<string, Asked<Value>>();
  #due = false;

  constructor(loads: Loads, loader: BatchLoader<Value>) {
    this.#loads = loads;
    this.#loader = loader;
  }

  /** A flight has begun for the key: the load waits until it is asked for or released. */
  expect(key: string): void {
    this.#open.add(key);
  }

  /**
   * The flight needs no load for now: it has found its value, or waits for somebody else's. Whoever waits for another process has to
   * call this first, or two batches could wait for each other.
   */
  release(key: string): void {
    if (this.#open.delete(key)) this.#schedule();
  }

  /** What the batch loader says about the key; see `Loads.run`. */
  load(key: string, previous: Value | undefined, onLate: (value: Loaded<Value>) => void): Promise<Loaded<Value>> {
    const { promise, resolve, reject } = Promise.withResolvers<Loaded<Value>>();
    this.#asked.set(key, { previous, onLate, resolve, reject });
    this.#open.delete(key);
    this.#schedule();
    return promise;
  }

  /** In a moment, so that all that begin at once are known. */
  #schedule(): void {
    if (this.#open.size > 0 || this.#asked.size === 0 || this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.#open.size === 0 && this.#asked.size > 0) this.#run();
    });
  }

  #run(): void {
    const asked = this.#asked;
    this.#asked = new Map();
    const previous = new Map<string, Value>();
    for (const [key, each] of asked) if (each.previous !== undefined) previous.set(key, each.previous);
    const load = async (keys: readonly string[], context: BatchContext<Value>) =>
      checkAnswer(await this.#loader(keys, context));
    const onLate = (late: ReadonlyMap<string, Loaded<Value> | Error>): void => {
      for (const [key, each] of asked) {
        const value = late.get(key);
        if (!(value instanceof Error)) each.onLate(value);
      }
    };
    this.#loads.run([...asked.keys()], load, onLate, previous).then(
      (answer) => {
        for (const [key, { resolve, reject }] of asked) {
          const value = answer.get(key);
          if (value instanceof Error) reject(value);
          else resolve(value);
        }
      },
      (error: unknown) => {
        for (const { reject } of asked.values()) reject(error);
      },
    );
  }
}

function checkAnswer<Answer>(answer: Answer): Answer {
  if (answer instanceof Map) return answer;
  throw new TypeError(
    'A batch loader answers a Map from key to value, without the keys that do not exist; write e.g. new Map(rows.map((row) => [row.id, row]))',
  );
}
