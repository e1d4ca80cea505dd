export interface BatchOptions<Key, Found> {
  /** Batches under way at a time. */
  readonly concurrent: number;
  /** Most keys in one. */
  readonly most: number;
  /** Only keys of one group go together. There are few groups. */
  readonly groupOf: (key: Key) => unknown;
  /** What was found, in the order of the keys. Called after every one of them was asked for, so that nothing in it is older. */
  readonly ask: (keys: readonly Key[]) => Promise<readonly (Found | undefined)[]>;
}

interface Waiter<Key, Found> {
  readonly key: Key;
  readonly resolve: (found: Found | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Look-ups that are asked for in one turn of the event loop, or while as many batches as may be are under way, go together. Alone
 * a look-up waits for nothing but its turn; under load the database gets fewer and larger queries, each of which costs both sides
 * little more than one for a single key. How many may wait is up to the caller.
 */
export function batchLookUps<Key, Found>(options: BatchOptions<Key, Found>): (key: Key) => Promise<Found | undefined> {
  const { concurrent, most, groupOf, ask } = options;
  // One queue for each group, which take turns.
  const queues = new Map<unknown, Waiter<Key, Found>[]>();
  const turns: Waiter<Key, Found>[][] = [];
  let turn = -1;
  let waiting = 0;
  let running = 0;
  let scheduled = false;

  const queueOf = (key: Key): Waiter<Key, Found>[] => {
    const group = groupOf(key);
    let queue = queues.get(group);
    if (queue === undefined) {
      queue = [];
      queues.set(group, queue);
      turns.push(queue);
    }
    return queue;
  };
  const nextBatch = (): readonly Waiter<Key, Found>[] => {
    turn = (turn + 1) % turns.length;
    return turns[turn]?.splice(0, most) ?? [];
  };
  const send = async (batch: readonly Waiter<Key, Found>[]): Promise<void> => {
    try {
      const found = await ask(batch.map(({ key }) => key));
      for (const [at, { resolve }] of batch.entries()) resolve(found[at]);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      running -= 1;
      schedule();
    }
  };
  const flush = (): void => {
    scheduled = false;
    while (running < concurrent && waiting > 0) {
      const batch = nextBatch();
      if (batch.length === 0) continue;
      waiting -= batch.length;
      running += 1;
      void send(batch);
    }
  };
  const schedule = (): void => {
    if (scheduled || running >= concurrent || waiting === 0) return;
    scheduled = true;
    setImmediate(flush);
  };
  return (key) =>
    new Promise((resolve, reject) => {
      queueOf(key).push({ key, resolve, reject });
      waiting += 1;
      schedule();
    });
}
