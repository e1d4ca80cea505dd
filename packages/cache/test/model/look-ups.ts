/** A look-up of one instance: L1, then L2, then the loader, then what stands in; `look-ups.ts` and `l2-tier.ts` of the package. */
import type { ModelStep } from '@spillway/testkit';
import { runFill, runRead } from './redis.ts';
import {
  become,
  type CacheState,
  type Fill,
  type Flight,
  type Instance,
  instanceOf,
  nameOf,
  type Outdated,
  replaced,
  spend,
  type World,
  without,
} from './state.ts';

const MAX_RESTARTS = 2;

type Step = ModelStep<CacheState>;
type Waiting = Pick<Flight, 'owed' | 'owedStale'>;

const usable = ({ link, gate, pending, suspects }: Instance, { variant }: World): boolean =>
  link === 'up' &&
  gate === 'open' &&
  (pending === undefined || variant === 'own pending deletes forgotten') &&
  suspects !== 'yes';

/** An answer to whoever waits, judged. */
function answer(state: CacheState, at: number, version: number, from: 'fresh' | 'stale', waiting: Waiting): CacheState {
  const floor = from === 'fresh' ? waiting.owed : waiting.owedStale;
  if (version >= floor) return state;
  const broken = `G5: ${nameOf(at)} answers ${from} ${version}, though it knew of ${floor} when it was asked`;
  return { ...state, broken };
}

/** Nothing that was read before now is fresh, and nobody joins what is under way. */
export function drop(state: CacheState, at: number, as: Outdated): CacheState {
  const me = instanceOf(state, at);
  const l1 = as === 'expired' && me.l1 !== undefined ? { ...me.l1, fresh: false } : undefined;
  return overtake(become(state, at, { l1, knows: me.knows && as === 'expired' }), at, as);
}

function overtake(state: CacheState, at: number, overtaken: Outdated): CacheState {
  const { flight, loose } = instanceOf(state, at);
  if (flight === undefined) return state;
  return become(state, at, { flight: undefined, loose: [...loose, { ...flight, overtaken }] });
}

function join(world: World, state: CacheState, at: number, waiting: Waiting, attempt: number): CacheState {
  const me = instanceOf(state, at);
  const { flight, l1 } = me;
  if (flight !== undefined) {
    if (flight.beforeGap && world.variant !== 'joined across a gap')
      return join(world, overtake(state, at, 'expired'), at, waiting, attempt);
    const owed = Math.max(flight.owed, waiting.owed);
    const owedStale = Math.max(flight.owedStale, waiting.owedStale);
    return become(state, at, { flight: { ...flight, owed, owedStale } });
  }
  const standby = l1 !== undefined && world.isLive(l1.version) ? { standby: l1.version } : {};
  const phase = usable(me, world) ? 'reading' : 'loading';
  return become(state, at, { flight: { phase, ...standby, beforeGap: false, attempt, ...waiting } });
}

/** The flight as it is now, in its place, or gone. */
function put(state: CacheState, at: number, flight: Flight, next: Flight | undefined): CacheState {
  const me = instanceOf(state, at);
  if (me.flight === flight) return become(state, at, { flight: next });
  return become(state, at, {
    loose: next === undefined ? without(me.loose, flight) : replaced(me.loose, flight, next),
  });
}

const mayKeep = (flight: Flight, { variant }: World): boolean =>
  flight.overtaken === undefined || variant === 'kept by an overtaken flight';

function keep(world: World, state: CacheState, at: number, flight: Flight, version: number): CacheState {
  const fresh = !flight.beforeGap || world.variant === 'kept as fresh across a gap';
  return become(state, at, { l1: { version, fresh } });
}

function arrive(world: World, state: CacheState, at: number, flight: Flight, version: number): CacheState {
  const landed = put(state, at, flight, undefined);
  if (flight.overtaken === undefined || flight.attempt >= MAX_RESTARTS)
    return answer(landed, at, version, 'fresh', flight);
  return join(world, landed, at, flight, flight.attempt + 1);
}

function crash(world: World, state: CacheState, at: number, flight: Flight): CacheState {
  const landed = put(state, at, flight, undefined);
  if (flight.overtaken === 'expired' && flight.attempt < MAX_RESTARTS)
    return join(world, landed, at, flight, flight.attempt + 1);
  if (flight.overtaken !== undefined || flight.standby === undefined) return landed;
  return answer(landed, at, flight.standby, 'stale', flight);
}

/** The answer of the store has come. */
function take(world: World, state: CacheState, at: number, flight: Flight): CacheState {
  const { found } = flight;
  if (found === undefined || found.kind === 'absent') return put(state, at, flight, { ...flight, phase: 'loading' });
  const { found: _, ...rest } = flight;
  const loading: Flight = { ...rest, phase: 'loading', token: found.token };
  switch (found.kind) {
    case 'claimed':
      return put(state, at, flight, loading);
    case 'deleted': {
      if (world.variant === 'stands in for what L2 calls deleted') return put(state, at, flight, loading);
      const { standby: gone, ...bare } = loading;
      const next = put(state, at, flight, bare);
      return flight.overtaken === undefined ? become(next, at, { l1: undefined, knows: false }) : next;
    }
    case 'value': {
      const live = world.isLive(found.version);
      if (!found.fresh) return put(state, at, flight, live ? { ...loading, standby: found.version } : loading);
      const kept = mayKeep(flight, world) ? keep(world, state, at, flight, found.version) : state;
      // A copy of L2 says nothing about what the truth has told.
      const known = live ? kept : become(kept, at, { knows: false });
      return arrive(world, mayKeep(flight, world) ? known : state, at, flight, found.version);
    }
    default:
      return found satisfies never;
  }
}

/** The loader has answered. */
function bring(world: World, state: CacheState, at: number, flight: Flight, version: number): CacheState {
  if (!mayKeep(flight, world)) return arrive(world, state, at, flight, version);
  let next = keep(world, state, at, flight, version);
  const { fills, heard } = instanceOf(next, at);
  const knows = world.isLive(version) && version >= heard;
  next = become(next, at, { knows });
  if (flight.token !== undefined) next = become(next, at, { fills: [...fills, { token: flight.token, version }] });
  return arrive(world, next, at, flight, version);
}

export function* lookUpSteps(world: World, state: CacheState, at: number): Generator<Step> {
  const who = nameOf(at);
  const me = instanceOf(state, at);
  if (!me.alive) return;

  if (world.mayAsk(at, state.lookUps)) {
    const asked: CacheState = { ...state, lookUps: state.lookUps - 1 };
    const waiting: Waiting = { owed: me.heard, owedStale: me.barred };
    if (me.l1?.fresh === true) {
      const next = answer(asked, at, me.l1.version, 'fresh', waiting);
      yield { name: `${who} is asked and answers ${me.l1.version} from L1`, next };
      const l1 = { ...me.l1, fresh: false };
      yield { name: `${who}'s L1 entry has passed its ceiling`, next: become(state, at, { l1 }) };
    } else yield { name: `${who} is asked`, next: join(world, asked, at, waiting, 0) };
  }

  for (const flight of me.flight === undefined ? me.loose : [me.flight, ...me.loose]) {
    const kind = flight.overtaken === undefined ? '' : 'overtaken ';
    switch (flight.phase) {
      case 'reading': {
        const { state: read, found } = runRead(state);
        const what = found.kind === 'value' ? `value ${found.version}` : found.kind;
        // Whatever stood in was old when L2 was told so.
        const owedStale = Math.max(flight.owedStale, state.store.barred);
        const next = put(read, at, flight, { ...flight, phase: 'answered', found, owedStale });
        yield { name: `Redis runs the read of ${who}'s ${kind}look-up: ${what}`, next };
        if (state.faults.lateCommand > 0) {
          const alone = put(spend(state, 'lateCommand'), at, flight, { ...flight, phase: 'loading' });
          yield { name: `${who}'s ${kind}look-up hears nothing from Redis`, next: alone };
        }
        break;
      }
      case 'answered':
        yield { name: `${who}'s ${kind}look-up hears from Redis`, next: take(world, state, at, flight) };
        break;
      case 'loading':
        if (state.truthAway) yield { name: `${who}'s ${kind}load fails`, next: crash(world, state, at, flight) };
        else {
          const next = put(state, at, flight, { ...flight, phase: 'loaded', loaded: state.truth });
          yield { name: `${who}'s ${kind}load reads ${state.truth} from the truth`, next };
        }
        break;
      case 'loaded': {
        const version = flight.loaded ?? 0;
        yield { name: `${who}'s ${kind}load brings ${version}`, next: bring(world, state, at, flight, version) };
        if (state.faults.lateCommand > 0 && flight.token !== undefined) {
          const late = [...state.late, { op: 'fill', token: flight.token, version } as const];
          const failed = crash(world, { ...spend(state, 'lateCommand'), late }, at, flight);
          yield { name: `${who}'s ${kind}load is past its hard timeout, and will fill ${version}`, next: failed };
        }
        break;
      }
      default:
        flight.phase satisfies never;
    }
  }
  for (const fill of me.fills) yield* fillSteps(world, state, at, fill);
}

function* fillSteps(world: World, state: CacheState, at: number, fill: Fill): Generator<Step> {
  const who = nameOf(at);
  const { fills, l1 } = instanceOf(state, at);
  const sent = become(state, at, { fills: without(fills, fill) });
  const filled = runFill(world, sent, fill.token, fill.version);
  if (filled !== undefined) yield { name: `${who} fills Redis with ${fill.version}`, next: filled };
  else {
    const doubted = l1 === undefined ? undefined : { ...l1, fresh: false };
    yield { name: `${who}'s fill with ${fill.version} is refused`, next: become(sent, at, { l1: doubted }) };
  }
  if (state.faults.lateCommand > 0) {
    const late = [...state.late, { op: 'fill', ...fill } as const];
    yield { name: `${who}'s fill with ${fill.version} is late`, next: { ...spend(sent, 'lateCommand'), late } };
  }
}
