import type { CacheStats, Invalidated, Look } from '@spillway/cache';
import { spawnProcess } from '@spillway/testkit';
import type { InstanceAnswer, InstanceCommand, InstanceSettings } from './instance-settings.ts';

export type InstanceStats = CacheStats & {
  /** Loads that have read their row and are held. */
  readonly loading: number;
  readonly loads: number;
  readonly live: boolean;
  readonly link: string;
};

/** A cache in a process of its own. */
export interface Instance {
  /** @param tag what it is loaded under */
  look(key: string, tag?: string): Promise<Look<string>>;
  /** So many callers of each handle at once; what they got. */
  stampede(key: string, callers: number): Promise<readonly string[]>;
  peek(key: string): Promise<'fresh' | 'stale' | 'nothing'>;
  /** Makes the row, before anyone has asked for it. */
  plant(key: string, value: string): Promise<void>;
  /** Changes the row, then invalidates. */
  write(key: string, value: string): Promise<void>;
  /** Changes the row, then invalidates the tag. */
  writeTagged(key: string, value: string, tag: string): Promise<Invalidated>;
  set(key: string, value: string): Promise<void>;
  invalidate(key: string): Promise<void>;
  /** Loads wait between reading their row and returning it. */
  hold(): Promise<void>;
  release(): Promise<void>;
  truth(state: 'away' | 'back'): Promise<void>;
  stats(): Promise<InstanceStats>;
  soak(keys: readonly string[], forMs: number): Promise<Soak>;
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

export interface Soak {
  readonly seen: readonly (readonly [at: number, key: string, version: number, from: string])[];
  readonly written: readonly (readonly [answeredAt: number, key: string, version: number])[];
  readonly failed: number;
}

export async function startInstance(settings: InstanceSettings): Promise<Instance> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const process = spawnProcess({
    name: `cache instance ${settings.name}`,
    module: new URL('./instance.ts', import.meta.url),
    env: { INSTANCE: JSON.stringify(settings) },
    readyWhen: (line) => line === 'ready',
    onLine: (line, from) => {
      if (from !== 'stdout' || line === 'ready') return;
      const { id, error, result } = JSON.parse(line) as InstanceAnswer;
      const waiter = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) waiter?.resolve(result);
      else waiter?.reject(new Error(error));
    },
  });
  void process.exited.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`${process.name} has ended`));
  });
  await process.ready;
  let last = 0;
  const ask = <Result>(command: Omit<InstanceCommand, 'id'>): Promise<Result> => {
    last += 1;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(last, answer);
    process.write(`${JSON.stringify({ id: last, ...command } satisfies InstanceCommand)}\n`);
    return answer.promise as Promise<Result>;
  };
  return {
    look: (key, tag) => ask({ do: 'look', key, ...(tag === undefined ? {} : { tag }) }),
    stampede: (key, callers) => ask({ do: 'stampede', key, value: String(callers) }),
    peek: (key) => ask({ do: 'peek', key }),
    plant: (key, value) => ask({ do: 'plant', key, value }),
    write: (key, value) => ask({ do: 'write', key, value }),
    writeTagged: (key, value, tag) => ask({ do: 'write-tagged', key, value, tag }),
    set: (key, value) => ask({ do: 'set', key, value }),
    invalidate: (key) => ask({ do: 'invalidate', key }),
    hold: () => ask({ do: 'hold' }),
    release: () => ask({ do: 'release' }),
    truth: (state) => ask({ do: state === 'away' ? 'truth-away' : 'truth-back' }),
    stats: () => ask({ do: 'stats' }),
    soak: (keys, forMs) => ask({ do: 'soak', key: keys.join(','), value: String(forMs) }),
    pause: () => process.pause(),
    resume: () => process.resume(),
    close: () => process.close(),
  };
}
