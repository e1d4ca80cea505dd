/** A look-up of a key under a tag; `look-ups.ts` and `tiers/tags.ts` of the package. */
import type { ModelStep } from '@spillway/testkit';
import { replaced, without } from '../state.ts';
import { outdatedBy, runClaim, runFill, runRead } from './tag-redis.ts';
import {
  become,
  type Copy,
  type Flight,
  type Instance,
  instanceOf,
  nameOf,
  type Outdated,
  spend,
  type TagState,
  type World,
} from './tag-state.ts';

const MAX_RESTARTS = 2;

const BEFORE_RECORD = new Set<Flight['phase'] | undefined>(['reading', 'answered', 'judging', 'judged']);

type Step = ModelStep<TagState>;
type Waiting = Pick<Flight, 'owed' | 'owedStale'>;

/** Whether the tag's record may be believed. */
const usable = ({ pending, suspects }: Instance, { variant }: World): boolean =>
  (pending === undefined || variant === 'own pending tags forgotten') && !suspects;

function answer(state: TagState, at: number, version: number, from: 'fresh' | 'stale', waiting: Waiting): TagState {
  const floor = from === 'fresh' ? waiting.owed : waiting.owedStale;
  if (version >= floor) return state;
  return {
    ...state,
    broken: `G5: ${nameOf(at)} answers ${from} ${version}, though it knew of ${floor} when it was asked`,
  };
}

/** Nothing that was read before now is fresh, and nobody joins what is under way. */
export function drop(world: World, state: TagState, at: number, as: Outdated): TagState {
  const me = instanceOf(state, at);
  const l1 = as === 'expired' && me.l1 !== undefined ? { ...me.l1, fresh: false } : undefined;
  const next = become(state, at, { l1 });
  // The mistake: it does not hear of the tag before it has its record.
  const isDeaf = world.variant === 'watched from the record on' && BEFORE_RECORD.has(me.flight?.phase);
  return isDeaf ? next : overtake(next, at, as);
}

function overtake(state: TagState, at: number, overtaken: Outdated): TagState {
  const { flight, loose } = instanceOf(state, at);
  if (flight === undefined) return state;
  return become(state, at, { flight: undefined, loose: [...loose, { ...flight, overtaken }] });
}

function join(world: World, state: TagState, at: number, waiting: Waiting, attempt: number): TagState {
  const { flight, l1 } = instanceOf(state, at);
  if (flight !== undefined) {
    if (flight.beforeGap) return join(world, overtake(state, at, 'expired'), at, waiting, attempt);
    const owed = Math.max(flight.owed, waiting.owed);
    const owedStale = Math.max(flight.owedStale, waiting.owedStale);
    return become(state, at, { flight: { ...flight, owed, owedStale } });
  }
  const standby: Copy | undefined = l1 === undefined ? undefined : { version: l1.version, under: l1.under };
  return become(state, at, { flight: { phase: 'reading', standby, beforeGap: false, attempt, ...waiting } });
}

function put(state: TagState, at: number, flight: Flight, next: Flight | undefined): TagState {
  const me = instanceOf(state, at);
  if (me.flight === flight) return become(state, at, { flight: next });
  return become(state, at, {
    loose: next === undefined ? without(me.loose, flight) : replaced(me.loose, flight, next),
  });
}

const mayKeep = (flight: Flight, { variant }: World): boolean =>
  flight.overtaken === undefined || variant === 'kept by an overtaken flight';

const keep = (state: TagState, at: number, flight: Flight, copy: Copy): TagState =>
  become(state, at, { l1: { ...copy, fresh: !flight.beforeGap } });

function arrive(world: World, state: TagState, at: number, flight: Flight, version: number): TagState {
  const landed = put(state, at, flight, undefined);
  if (flight.overtaken === undefined || flight.attempt >= MAX_RESTARTS)
    return answer(landed, at, version, 'fresh', flight);
  return join(world, landed, at, flight, flight.attempt + 1);
}

function crash(world: World, state: TagState, at: number, flight: Flight): TagState {
  const landed = put(state, at, flight, undefined);
  if (flight.overtaken === 'expired' && flight.attempt < MAX_RESTARTS)
    return join(world, landed, at, flight, flight.attempt + 1);
  if (flight.overtaken !== undefined || flight.standby === undefined) return landed;
  return answer(landed, at, flight.standby.version, 'stale', flight);
}

/** The entry has come: its record is read, or a load is to begin. */
function take(world: World, state: TagState, at: number, flight: Flight): TagState {
  const { found } = flight;
  const isUsable = usable(instanceOf(state, at), world);
  if (found?.kind === 'value' && isUsable) return put(state, at, flight, { ...flight, phase: 'judging' });
  const token = found === undefined || found.kind === 'absent' ? undefined : found.token;
  return prepare(world, state, at, { ...flight, found: undefined, token }, flight);
}

/** Before a load: claims the record, if what it brings may get into the store. */
function prepare(world: World, state: TagState, at: number, flight: Flight, before: Flight): TagState {
  const isUsable = usable(instanceOf(state, at), world);
  if (flight.token === undefined || !isUsable)
    return put(state, at, before, { ...flight, phase: 'loading', token: undefined });
  const phase = world.variant === 'record read after the load' ? 'loading' : 'claiming';
  return put(state, at, before, { ...flight, phase });
}

function judge(world: World, state: TagState, at: number, flight: Flight): TagState {
  const { found, record } = flight;
  if (found?.kind !== 'value') return state;
  const { version, under, token } = found;
  const outdated = outdatedBy(world, record, under);
  if (outdated === undefined) {
    const kept = mayKeep(flight, world) ? keep(state, at, flight, { version, under }) : state;
    return arrive(world, kept, at, flight, version);
  }
  const standby = outdated === 'expired' ? { version, under } : flight.standby;
  return prepare(world, state, at, { ...flight, found: undefined, record: undefined, token, standby }, flight);
}

/** Its record is known: what is of another era does not stand in any more. */
function begin(world: World, state: TagState, at: number, flight: Flight): TagState {
  const { standby, record } = flight;
  const loading: Flight = { ...flight, phase: 'loading', record: undefined, under: record ?? undefined };
  const isBarred = standby?.under !== undefined && outdatedBy(world, record, standby.under) === 'invalidated';
  if (!isBarred || world.variant === 'stands in under another era') return put(state, at, flight, loading);
  const next = put(state, at, flight, { ...loading, standby: undefined });
  return flight.overtaken === undefined ? become(next, at, { l1: undefined }) : next;
}

function bring(world: World, state: TagState, at: number, flight: Flight, version: number): TagState {
  if (!mayKeep(flight, world)) return arrive(world, state, at, flight, version);
  const { token, under } = flight;
  let next = keep(state, at, flight, { version, under });
  const words = world.variant === 'record read after the load' ? 'late' : under;
  if (token !== undefined && words !== undefined)
    next = become(next, at, { fills: [...instanceOf(next, at).fills, { token, version, under: words }] });
  return arrive(world, next, at, flight, version);
}

export function* lookUpSteps(world: World, state: TagState, at: number): Generator<Step> {
  const who = nameOf(at);
  const me = instanceOf(state, at);
  const { lookUps } = world.options;
  const mayAsk = state.lookUps > 0 && (typeof lookUps === 'number' || lookUps[lookUps.length - state.lookUps] === at);
  if (mayAsk) {
    const asked: TagState = { ...state, lookUps: state.lookUps - 1 };
    const waiting: Waiting = { owed: me.heard, owedStale: me.barred };
    if (me.l1?.fresh === true) {
      const next = answer(asked, at, me.l1.version, 'fresh', waiting);
      yield { name: `${who} is asked and answers ${me.l1.version} from L1`, next };
      yield {
        name: `${who}'s L1 entry has passed its ceiling`,
        next: become(state, at, { l1: { ...me.l1, fresh: false } }),
      };
    } else yield { name: `${who} is asked`, next: join(world, asked, at, waiting, 0) };
  }
  for (const flight of me.flight === undefined ? me.loose : [me.flight, ...me.loose])
    yield* flightSteps(world, state, at, flight);
  for (const fill of me.fills) {
    const sent = become(state, at, { fills: without(me.fills, fill) });
    const filled = runFill(world, sent, fill);
    if (filled !== undefined) yield { name: `${who} fills Redis with ${fill.version}`, next: filled };
    else {
      const doubted = me.l1 === undefined ? undefined : { ...me.l1, fresh: false };
      yield { name: `${who}'s fill with ${fill.version} is refused`, next: become(sent, at, { l1: doubted }) };
    }
    if (state.faults.lateCommand > 0)
      yield { name: `${who}'s fill is late`, next: late(sent, { op: 'fill', ...fill }) };
  }
}

const late = (state: TagState, command: TagState['late'][number]): TagState => ({
  ...spend(state, 'lateCommand'),
  late: [...state.late, command],
});

function* flightSteps(world: World, state: TagState, at: number, flight: Flight): Generator<Step> {
  const who = nameOf(at);
  const { barred } = state.store;
  // What was of another era when L2 was asked does not stand in.
  const proven = (standby: Copy | undefined): number =>
    standby?.under === undefined ? flight.owedStale : Math.max(flight.owedStale, barred);
  switch (flight.phase) {
    case 'reading': {
      const { state: read, found } = runRead(state);
      const next = put(read, at, flight, { ...flight, phase: 'answered', found });
      yield { name: `Redis runs ${who}'s read: ${found.kind}`, next };
      if (state.faults.lateCommand > 0) {
        const alone = put(spend(state, 'lateCommand'), at, flight, { ...flight, phase: 'loading' });
        yield { name: `${who} hears nothing of its read`, next: alone };
      }
      break;
    }
    case 'answered':
      yield { name: `${who} hears of the entry`, next: take(world, state, at, flight) };
      break;
    case 'judging': {
      const record = state.store.record ?? null;
      yield {
        name: `Redis reads the record for ${who}`,
        next: put(state, at, flight, { ...flight, phase: 'judged', record }),
      };
      break;
    }
    case 'judged': {
      const owedStale = proven(flight.found?.kind === 'value' ? flight.found : undefined);
      const judged = { ...flight, owedStale };
      yield { name: `${who} hears of the record`, next: judge(world, put(state, at, flight, judged), at, judged) };
      break;
    }
    case 'claiming': {
      const { state: claimed, record } = runClaim(world, state);
      const owedStale = proven(flight.standby);
      const next = put(claimed, at, flight, { ...flight, phase: 'claimed', record, owedStale });
      yield { name: `Redis runs ${who}'s claim of the tag`, next };
      if (state.faults.lateCommand > 0) {
        const alone = put(late(state, { op: 'claim' }), at, flight, { ...flight, phase: 'loading', token: undefined });
        yield { name: `${who} hears nothing of its claim`, next: alone };
      }
      break;
    }
    case 'claimed':
      yield { name: `${who} hears of its claim`, next: begin(world, state, at, flight) };
      break;
    case 'loading':
      if (state.truthAway) yield { name: `${who}'s load fails`, next: crash(world, state, at, flight) };
      else {
        const next = put(state, at, flight, { ...flight, phase: 'loaded', loaded: state.truth });
        yield { name: `${who}'s load reads ${state.truth}`, next };
      }
      break;
    case 'loaded':
      yield {
        name: `${who}'s load brings ${flight.loaded}`,
        next: bring(world, state, at, flight, flight.loaded ?? 0),
      };
      break;
    default:
      flight.phase satisfies never;
  }
}
