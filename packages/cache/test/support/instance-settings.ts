/** What a cache instance in a process of its own is told to be. */
export interface InstanceSettings {
  readonly name: string;
  /** L2; each instance may come by a way of its own. */
  readonly redisUrl: string;
  /** The bus; none when absent. */
  readonly busUrl?: string;
  /** Where the rows are: a Redis that no test breaks. */
  readonly truthUrl: string;
  readonly cache: string;
  /** Of commands to L2. */
  readonly deadline: `${number}ms` | `${number}s`;
  readonly ttl?: `${number}s`;
  /** Leases of a second: one load per key for all instances. Default: each loads for itself. */
  readonly across?: 'processes';
  /** Caches of the same name in this process; default 1. Only `stampede` uses more than the first. */
  readonly handles?: number;
  readonly l1?: { readonly maxEntries: number; readonly ttl?: `${number}s` } | 'off';
}

/** One line in; one line out, with the same `id`. */
export interface InstanceCommand {
  readonly id: number;
  readonly do:
    | 'look'
    | 'stampede'
    | 'peek'
    | 'invalidate'
    | 'write-tagged'
    | 'plant'
    | 'write'
    | 'set'
    | 'hold'
    | 'release'
    | 'stats'
    | 'soak'
    | 'truth-away'
    | 'truth-back';
  readonly key?: string;
  readonly value?: string;
  /** What a look is under, and what is invalidated. */
  readonly tag?: string;
}

export interface InstanceAnswer {
  readonly id: number;
  readonly error?: string;
  readonly result?: unknown;
}
