/** What the model of docs/4.protocols/cache.md knows of its world: one key, two instances, a Redis, a bus, a truth. */

/** As in the code: after `expired` an older value may stand in where nothing else is to be had, after `invalidated` it may not. */
export type Outdated = 'expired' | 'invalidated';

/** `edit` expires, `replace` invalidates, `delete` invalidates and leaves nothing. */
export type Write = 'edit' | 'replace' | 'delete';

/** What stands under the key. Versions count the writes; each thing written has a token of its own. */
export type Entry =
  | { readonly kind: 'absent' }
  | { readonly kind: 'claimed'; readonly token: number }
  /** `version`: of the write that deleted it. */
  | { readonly kind: 'deleted'; readonly token: number; readonly version: number }
  | {
      readonly kind: 'value';
      readonly token: number;
      readonly version: number;
      readonly fresh: boolean;
      /** It says that there is nothing, in place of this deletion. */
      readonly deletion?: number | undefined;
    };

export interface Store {
  readonly entry: Entry;
  /** Up to which change the entry is known to be right: the app's, and `undefined` once it is lost. */
  readonly mark: number | undefined;
  /** The newest write whose delete has run here, and the newest that had something to bar. */
  readonly deleted: number;
  readonly barred: number;
}

export interface Flight {
  readonly phase: 'reading' | 'answered' | 'loading' | 'loaded';
  /** What the store found, once the read has run. */
  readonly found?: Entry;
  readonly token?: number;
  readonly loaded?: number;
  readonly standby?: number;
  readonly overtaken?: Outdated;
  /** Began before messages were missed. */
  readonly beforeGap: boolean;
  readonly attempt: number;
  /** What an answer to those who wait may not be older than; -1: nobody waits. */
  readonly owed: number;
  readonly owedStale: number;
}

/** A delete on its way to the store. */
export interface Delete {
  readonly version: number;
  readonly as: Outdated;
  /** The newest change in it that nothing older may stand in for; 0: none. */
  readonly bars: number;
  readonly by: 'change' | 'replay';
  /** Nothing was added to what is pending since. */
  readonly newest: boolean;
  /** Whatever is suspected was suspected before it began. */
  readonly covers: boolean;
  readonly phase: 'sent' | 'ran';
}

export interface Fill {
  readonly token: number;
  readonly version: number;
}

export interface Instance {
  readonly alive: boolean;
  readonly link: 'up' | 'down';
  /** Of the app: shut from an outage on until the outbox was replayed. */
  readonly gate: 'open' | 'shut' | { readonly upTo: number };
  readonly l1?: { readonly version: number; readonly fresh: boolean } | undefined;
  readonly flight?: Flight | undefined;
  /** Overtaken, but somebody may wait for them. */
  readonly loose: readonly Flight[];
  readonly pending?: { readonly version: number; readonly as: Outdated; readonly bars: number } | undefined;
  readonly suspects: 'no' | 'yes' | 'expired';
  readonly deletes: readonly Delete[];
  readonly fills: readonly Fill[];
  /** Committed here, no cache told yet. */
  readonly unsaid: readonly number[];
  /** Changes that need no further care, as its feed knows. */
  readonly settled: readonly number[];
  /** The newest write it has heard of, or made and answered; and the newest of those that nothing older may stand in for. */
  readonly heard: number;
  readonly barred: number;
  /** It has read a value from the truth, and heard of no invalidation since. */
  readonly knows: boolean;
}

export type Message =
  | { readonly kind: Outdated; readonly version: number; readonly pending: boolean }
  | { readonly kind: 'replayed'; readonly version: number; readonly as: Outdated }
  | { readonly kind: 'announced'; readonly version: number }
  /** Messages were missed; the newest of them told of `version`. */
  | { readonly kind: 'gap'; readonly version: number };

/** A command that nobody waits for any more: it may run, once, at any later time. */
export type Late =
  | { readonly op: 'fill'; readonly token: number; readonly version: number }
  | ({ readonly op: 'delete' } & Pick<Delete, 'as' | 'version' | 'bars'>);

export type Fault =
  | 'lateCommand'
  | 'lostMessage'
  | 'linkDown'
  | 'flush'
  | 'rollback'
  | 'kill'
  | 'truthAway'
  | 'tenMinutes'
  | 'stale';

export interface CacheState {
  /** The newest version, and who wrote each. */
  readonly truth: number;
  readonly writers: readonly number[];
  readonly truthAway: boolean;
  readonly store: Store;
  readonly snapshot?: Store | undefined;
  readonly nextToken: number;
  readonly instances: readonly Instance[];
  /** By receiver: in the order in which the other one sent them. */
  readonly bus: readonly (readonly Message[])[];
  readonly late: readonly Late[];
  readonly lookUps: number;
  readonly faults: Readonly<Record<Fault, number>>;
  readonly broken?: string;
}

export type Variant =
  | 'sound'
  | 'fill without token'
  | 'kept by an overtaken flight'
  | 'replayed notice that drops'
  | 'no pendingBy'
  | 'told before the delete'
  | 'own pending deletes forgotten'
  | 'suspicion cleared by an older delete'
  | 'acquitted after expiry'
  | 'no replay after an outage'
  | 'mark written before the deletes'
  | 'joined across a gap'
  | 'gap not noticed'
  | 'kept as fresh across a gap'
  | 'delete that expires'
  | 'stands in for what L2 calls deleted'
  | 'expire that forgets a deletion'
  | 'negative entry that forgets a deletion'
  | 'delete that forgets the one before'
  | 'no feed';

export interface CacheModelOptions {
  readonly writes: readonly Write[];
  /** Who makes each of the writes; default: any. A smaller cast makes a smaller space. */
  readonly writers?: readonly number[];
  /** So many, of whomever; or these, one after the other. */
  readonly lookUps: number | readonly number[];
  /** With the outbox: its replay on `up`, and the feed that finds the changes of the dead. */
  readonly app?: boolean;
  readonly faults?: Partial<Record<Fault, number>>;
  readonly variant?: Variant;
}

export interface World extends Required<Omit<CacheModelOptions, 'faults' | 'lookUps'>> {
  /** With so many look-ups to come. */
  readonly mayAsk: (at: number, toCome: number) => boolean;
  readonly isLive: (version: number) => boolean;
  /** How its change is told. */
  readonly asOf: (version: number) => Outdated;
  /** Nothing older may stand in for it. */
  readonly isBar: (version: number) => boolean;
}

export function worldOf({ writes, writers = [], lookUps, app = false, variant = 'sound' }: CacheModelOptions): World {
  const isLive = (version: number): boolean => version === 0 || writes[version - 1] !== 'delete';
  const asOf = (version: number): Outdated =>
    writes[version - 1] === 'edit' || (writes[version - 1] === 'delete' && variant === 'delete that expires')
      ? 'expired'
      : 'invalidated';
  const isBar = (version: number): boolean => writes[version - 1] !== 'edit';
  const mayAsk = (at: number, toCome: number): boolean =>
    toCome > 0 && (typeof lookUps === 'number' || lookUps[lookUps.length - toCome] === at);
  return { writes, writers, mayAsk, app, variant, isLive, asOf, isBar };
}

export const nameOf = (at: number): string => 'AB'.charAt(at);
export const instanceOf = (state: CacheState, at: number): Instance => state.instances[at] as Instance;

export const become = (state: CacheState, at: number, change: Partial<Instance>): CacheState => ({
  ...state,
  instances: state.instances.with(at, { ...instanceOf(state, at), ...change }),
});

export const spend = (state: CacheState, fault: Fault): CacheState => ({
  ...state,
  faults: { ...state.faults, [fault]: state.faults[fault] - 1 },
});

export const without = <Item>(items: readonly Item[], item: Item): readonly Item[] =>
  items.filter((each) => each !== item);

export const replaced = <Item>(items: readonly Item[], item: Item, by: Item): readonly Item[] =>
  items.map((each) => (each === item ? by : each));

/** To the other one, if that lives. */
export function publish(state: CacheState, from: number, message: Message): CacheState {
  const to = 1 - from;
  if (!instanceOf(state, to).alive) return state;
  return { ...state, bus: state.bus.with(to, [...(state.bus[to] ?? []), message]) };
}
