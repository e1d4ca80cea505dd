import type { Model, ModelStep } from '@spillway/testkit';
import { deliveries, faults } from './lease-faults.ts';
import {
  type Ending,
  enter,
  type Fault,
  type Holding,
  keyOf,
  type LeaseState,
  type LeaseVariant,
  nameOf,
  type Process,
  type Reply,
  tell,
  wake,
} from './lease-state.ts';

export interface LeaseModelOptions {
  readonly processes: number;
  readonly faults?: Partial<Record<Fault, number>>;
  readonly variant?: LeaseVariant;
}

type Step = ModelStep<LeaseState>;

/** Everyone asks for one key that nobody has; see docs/4.protocols/cache.md, "Leases". */
export function leaseModel({ processes, faults: given = {}, variant = 'sound' }: LeaseModelOptions): Model<LeaseState> {
  return {
    initial: {
      processes: Array.from({ length: processes }, () => ({ state: 'running', phase: { at: 'idle' }, heard: [] })),
      entry: { kind: 'nothing', token: 0 },
      nextToken: 1,
      leases: 0,
      messages: [],
      loads: 0,
      allowed: 1,
      faults: { kill: 0, stop: 0, lost: 0, change: 0, fail: 0, ...given },
      unharmed: true,
    },
    *steps(state) {
      for (const [at, process] of state.processes.entries()) {
        if (process.state === 'running') yield* move(state, at, process, variant);
      }
      yield* deliveries(state, variant);
      yield* faults(state);
    },
    invariant: ({ broken, loads, allowed }) =>
      broken ?? (loads > allowed ? `${loads} loads, where ${allowed} would do` : undefined),
    atRest(state) {
      const stuck = state.processes.findIndex(({ state: life, phase }) => life !== 'dead' && phase.at !== 'done');
      return stuck === -1 ? undefined : `${nameOf(stuck)} waits for ever`;
    },
    key: keyOf,
  };
}

function* move(state: LeaseState, at: number, { phase, heard }: Process, variant: LeaseVariant): Iterable<Step> {
  const who = nameOf(at);
  switch (phase.at) {
    case 'idle':
      yield { name: `${who} asks`, next: enter(state, at, { at: 'asking' }) };
      return;
    case 'asking':
      yield { name: `Redis answers ${who}`, next: take(state, at, variant) };
      return;
    case 'answered':
      yield { name: `${who} hears: ${phase.reply.kind}`, next: hear(state, at, phase.reply, heard) };
      return;
    case 'waiting':
      if (variant !== 'wait without bound' && isForsaken(state, at, phase.token)) {
        const next = enter(state, at, { at: 'asking' });
        const broken = state.unharmed ? `${who} waits for the end of a lease, though nothing has failed` : undefined;
        yield { name: `${who}'s wait is over`, next: broken === undefined ? next : { ...next, broken } };
      }
      return;
    case 'loading': {
      const first = variant === 'told before the fill' ? 'releasing' : 'filling';
      yield { name: `${who} has the value`, next: enter(state, at, { ...phase, at: first, ending: 'filled' }) };
      if (state.faults.fail > 0) {
        const failed = {
          ...state,
          faults: { ...state.faults, fail: state.faults.fail - 1 },
          allowed: state.allowed + 1,
        };
        const next =
          variant === 'failure that is not told'
            ? enter(failed, at, { at: 'done', how: 'failed' })
            : enter(failed, at, { ...phase, at: 'releasing', ending: 'failed' });
        yield { name: `${who}'s loader fails`, next };
      }
      return;
    }
    case 'filling':
      yield { name: `Redis gets ${who}'s fill`, next: fill(state, at, phase, variant) };
      return;
    case 'releasing':
      yield { name: `Redis gets ${who}'s release`, next: release(state, at, phase, variant) };
      return;
    default:
  }
}

/** A look, and a take where it finds nothing fresh: between the two nothing can happen that the take does not see. */
function take(state: LeaseState, at: number, variant: LeaseVariant): LeaseState {
  const { entry, lease } = state;
  const answer = (next: LeaseState, reply: Reply): LeaseState => enter(next, at, { at: 'answered', reply });
  if (entry.kind === 'value') return answer(state, { kind: 'value' });
  const counts = lease?.token === entry.token || variant === 'lease that outlives an invalidation';
  if (lease !== undefined && entry.kind !== 'nothing' && counts) {
    const waited = lease.waited || variant !== 'waiter that leaves no mark';
    const next = answer({ ...state, lease: { ...lease, waited } }, { kind: 'loading', token: lease.token });
    return lease.token === entry.token ? next : { ...next, broken: 'somebody waits for a load from before the change' };
  }
  const fresh = variant !== 'lease without fence' || entry.kind === 'nothing';
  const token = fresh ? state.nextToken : entry.token;
  const leased: LeaseState = {
    ...state,
    entry: { kind: entry.kind === 'nothing' ? 'claim' : entry.kind, token },
    lease: { token, waited: false, holder: at },
    nextToken: state.nextToken + 1,
    leases: state.leases + 1,
  };
  return answer(leased, { kind: 'leased', token, lease: leased.leases });
}

function hear(state: LeaseState, at: number, reply: Reply, heard: Process['heard']): LeaseState {
  switch (reply.kind) {
    case 'value':
      return enter(state, at, { at: 'done', how: 'answered' });
    case 'leased':
      return enter({ ...state, loads: state.loads + 1 }, at, { ...reply, at: 'loading' });
    case 'loading': {
      const ended = heard.find(([token]) => token === reply.token);
      return ended === undefined ? enter(state, at, { at: 'waiting', token: reply.token }) : wake(state, at, ended[1]);
    }
    default:
      return reply satisfies never;
  }
}

function fill(state: LeaseState, at: number, holding: Holding, variant: LeaseVariant): LeaseState {
  const filled = state.entry.kind !== 'nothing' && state.entry.token === holding.token;
  const late = filled && holding.lease < state.leases;
  const done = variant === 'told before the fill';
  const next: LeaseState = {
    ...(filled
      ? { ...state, entry: { kind: 'value', token: state.nextToken }, nextToken: state.nextToken + 1 }
      : state),
    ...(late ? { broken: `${nameOf(at)} was replaced, and has filled all the same` } : {}),
  };
  if (done) return enter(next, at, { at: 'done', how: 'answered' });
  return enter(next, at, { ...holding, at: 'releasing', ending: filled ? 'filled' : 'again' });
}

function release(
  state: LeaseState,
  at: number,
  { token, lease: number, ending }: Holding & { readonly ending: Ending },
  variant: LeaseVariant,
): LeaseState {
  const { lease } = state;
  const mine = lease !== undefined && (lease.token === token || variant === 'release that does not compare');
  const released = mine ? { ...state, lease: undefined } : state;
  // One that was over may have been waited for.
  const told = mine && !lease.waited ? released : tell(released, at, { token, ending });
  if (variant === 'told before the fill' && ending === 'filled') {
    return enter(told, at, { at: 'filling', token, lease: number });
  }
  return enter(told, at, { at: 'done', how: ending === 'failed' ? 'failed' : 'answered' });
}

/** Nobody is going to tell this waiter anything: the load has no lease any more, and no message is on its way. */
function isForsaken({ lease, entry, messages, processes }: LeaseState, at: number, token: number): boolean {
  if (lease?.token === token && entry.token === token) return false;
  if (messages.some((message) => message.to === at)) return false;
  return !processes.some(
    ({ state, phase }) => state === 'running' && 'token' in phase && phase.token === token && phase.at !== 'waiting',
  );
}
