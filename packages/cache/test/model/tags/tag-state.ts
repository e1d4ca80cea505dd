/** What the model of tags knows of its world: one key under one tag, two instances, a Redis, a bus, a truth. */
import type { Outdated } from '../state.ts';

export type { Outdated } from '../state.ts';

/** The record of the tag; each word is new when it is made. */
export interface Words {
  readonly era: number;
  readonly version: number;
}

export type Entry =
  | { readonly kind: 'absent' }
  | { readonly kind: 'claimed'; readonly token: number }
  /** `under`: the record before its load. */
  | { readonly kind: 'value'; readonly token: number; readonly version: number; readonly under: Words };

export interface Store {
  readonly entry: Entry;
  readonly record: Words | undefined;
  /** The newest write whose outdating has run here, and the newest of those that nothing older may stand in for. */
  readonly deleted: number;
  readonly barred: number;
}

export interface Copy {
  readonly version: number;
  /** Undefined: the store was not asked. */
  readonly under: Words | undefined;
}

export interface Flight {
  readonly phase: 'reading' | 'answered' | 'judging' | 'judged' | 'claiming' | 'claimed' | 'loading' | 'loaded';
  readonly found?: Entry | undefined;
  /** The record as it was read; `null`: there was none. */
  readonly record?: Words | null | undefined;
  readonly token?: number | undefined;
  /** The record before the load. */
  readonly under?: Words | undefined;
  readonly loaded?: number | undefined;
  readonly standby?: Copy | undefined;
  readonly overtaken?: Outdated | undefined;
  readonly beforeGap: boolean;
  readonly attempt: number;
  /** What an answer to those who wait may not be older than. */
  readonly owed: number;
  readonly owedStale: number;
}

export interface Outdating {
  readonly version: number;
  readonly as: Outdated;
  readonly by: 'change' | 'replay';
  readonly newest: boolean;
  readonly covers: boolean;
  readonly phase: 'sent' | 'ran';
}

export interface Fill {
  readonly token: number;
  readonly version: number;
  /** `late`: it takes the record of the moment. */
  readonly under: Words | 'late';
}

export interface Instance {
  readonly l1?: (Copy & { readonly fresh: boolean }) | undefined;
  readonly flight?: Flight | undefined;
  readonly loose: readonly Flight[];
  readonly pending?: { readonly version: number; readonly as: Outdated } | undefined;
  readonly suspects: boolean;
  readonly outdatings: readonly Outdating[];
  readonly fills: readonly Fill[];
  readonly unsaid: readonly number[];
  readonly heard: number;
  readonly barred: number;
}

export type Message =
  | { readonly kind: Outdated; readonly version: number; readonly pending: boolean }
  | { readonly kind: 'replayed'; readonly version: number; readonly as: Outdated }
  | { readonly kind: 'gap'; readonly version: number };

export type Late =
  | ({ readonly op: 'fill' } & Fill)
  | { readonly op: 'outdate'; readonly version: number; readonly as: Outdated }
  | { readonly op: 'claim' };

export type Fault = 'lateCommand' | 'lostMessage' | 'evicted' | 'flush' | 'truthAway';

export interface TagState {
  readonly truth: number;
  readonly truthAway: boolean;
  readonly store: Store;
  /** The next token, era or version. */
  readonly nextWord: number;
  readonly instances: readonly Instance[];
  readonly bus: readonly (readonly Message[])[];
  readonly late: readonly Late[];
  readonly lookUps: number;
  readonly faults: Readonly<Record<Fault, number>>;
  readonly broken?: string;
}

export type Variant =
  | 'sound'
  | 'record read after the load'
  | 'counter'
  | 'no record counts as valid'
  | 'kept by an overtaken flight'
  | 'told before the record is gone'
  | 'no pendingBy'
  | 'own pending tags forgotten'
  | 'watched from the record on'
  | 'stands in under another era'
  | 'gap not noticed';

export interface TagModelOptions {
  /** How each of the writes is told. */
  readonly writes: readonly Outdated[];
  readonly writers?: readonly number[];
  readonly lookUps: number | readonly number[];
  readonly faults?: Partial<Record<Fault, number>>;
  readonly variant?: Variant;
}

export interface World {
  readonly options: TagModelOptions;
  readonly variant: Variant;
  readonly asOf: (version: number) => Outdated;
}

export const nameOf = (at: number): string => 'AB'.charAt(at);
export const instanceOf = (state: TagState, at: number): Instance => state.instances[at] as Instance;

export const become = (state: TagState, at: number, change: Partial<Instance>): TagState => ({
  ...state,
  instances: state.instances.with(at, { ...instanceOf(state, at), ...change }),
});

export const spend = (state: TagState, fault: Fault): TagState => ({
  ...state,
  faults: { ...state.faults, [fault]: state.faults[fault] - 1 },
});

export function publish(state: TagState, from: number, message: Message): TagState {
  const to = 1 - from;
  return { ...state, bus: state.bus.with(to, [...(state.bus[to] ?? []), message]) };
}
