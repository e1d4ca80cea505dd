/** What the model of leases (docs/4.protocols/cache.md, "Leases") knows of its world: one key, some processes, a Redis, a bus. */

export type Ending = 'filled' | 'again' | 'failed';

/** `token` is compared by Redis; `lease` counts the leases that were given, to tell what the tokens should have told. */
export interface Holding {
  readonly token: number;
  readonly lease: number;
}

export type Reply =
  | ({ readonly kind: 'leased' } & Holding)
  | { readonly kind: 'loading'; readonly token: number }
  | { readonly kind: 'value' };

export type Phase =
  | { readonly at: 'idle' }
  | { readonly at: 'asking' }
  | { readonly at: 'answered'; readonly reply: Reply }
  | { readonly at: 'waiting'; readonly token: number }
  | ({ readonly at: 'loading' } & Holding)
  | ({ readonly at: 'filling' } & Holding)
  | ({ readonly at: 'releasing'; readonly ending: Ending } & Holding)
  | { readonly at: 'done'; readonly how: 'answered' | 'failed' };

export interface Process {
  readonly state: 'running' | 'stopped' | 'dead';
  readonly phase: Phase;
  /** Endings that came before it waited for them. */
  readonly heard: readonly (readonly [token: number, ending: Ending])[];
}

export interface Entry {
  readonly kind: 'nothing' | 'claim' | 'deleted' | 'value';
  readonly token: number;
}

export type Message = { readonly to: number } & (
  | { readonly kind: 'ended'; readonly token: number; readonly ending: Ending }
  | { readonly kind: 'invalidated' }
);

export type Fault = 'kill' | 'stop' | 'lost' | 'change' | 'fail';

export interface LeaseState {
  readonly processes: readonly Process[];
  readonly entry: Entry;
  readonly lease?: { readonly token: number; readonly waited: boolean; readonly holder: number } | undefined;
  readonly nextToken: number;
  readonly leases: number;
  readonly messages: readonly Message[];
  readonly loads: number;
  /** So many loads there may have been: the first, and one for each thing that makes another necessary. */
  readonly allowed: number;
  readonly faults: Readonly<Record<Fault, number>>;
  readonly unharmed: boolean;
  readonly broken?: string;
}

export type LeaseVariant =
  | 'sound'
  | 'lease without fence'
  | 'wait without bound'
  | 'news before the answer is forgotten'
  | 'told before the fill'
  | 'waiter that leaves no mark'
  | 'release that does not compare'
  | 'lease that outlives an invalidation'
  | 'failure that is not told';

export const nameOf = (at: number): string => 'ABC'.charAt(at);

export const become = (state: LeaseState, at: number, change: Partial<Process>): LeaseState => ({
  ...state,
  processes: state.processes.map((each, index) => (index === at ? { ...each, ...change } : each)),
});

export const enter = (state: LeaseState, at: number, phase: Phase): LeaseState => become(state, at, { phase });

export const spend = (state: LeaseState, fault: Fault): LeaseState => ({
  ...state,
  unharmed: false,
  faults: { ...state.faults, [fault]: state.faults[fault] - 1 },
});

/** To all others that live. */
export function tell(
  state: LeaseState,
  from: number,
  what: 'invalidated' | { token: number; ending: Ending },
): LeaseState {
  const messages = state.processes.flatMap(({ state: life, phase }, to): Message[] => {
    if (to === from || life === 'dead' || phase.at === 'idle' || phase.at === 'done') return [];
    return [what === 'invalidated' ? { to, kind: what } : { to, kind: 'ended', ...what }];
  });
  return { ...state, messages: [...state.messages, ...messages] };
}

/** Hears how the load ended that it waits for. */
export const wake = (state: LeaseState, at: number, ending: Ending): LeaseState =>
  enter(state, at, ending === 'failed' ? { at: 'done', how: 'failed' } : { at: 'asking' });

/** Tokens matter only as equal or not. */
export function keyOf(state: LeaseState): string {
  const names = new Map<number, number>();
  return JSON.stringify(state, (name, value: unknown) => {
    if (name === 'nextToken') return undefined;
    if (name !== 'token') return value;
    if (typeof value !== 'number') return value;
    const known = names.get(value) ?? names.size;
    names.set(value, known);
    return known;
  });
}
