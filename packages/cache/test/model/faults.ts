/** What befalls Redis, the truth and the instances, and what the app does about it: `apps/links/src/changes/replayed-store.ts`. */
import type { ModelStep } from '@spillway/testkit';
import { giveUp } from './changes.ts';
import { goStale, runDelete, runFill } from './redis.ts';
import {
  become,
  type CacheState,
  type Delete,
  type Flight,
  instanceOf,
  type Late,
  nameOf,
  spend,
  type World,
  without,
} from './state.ts';

type Step = ModelStep<CacheState>;

/** All that waits for an answer over the link gives up; `gone`: what has not run never will, its server is no more. */
function cut(world: World, state: CacheState, at: number, late: 'late' | 'gone'): CacheState {
  const me = instanceOf(state, at);
  const unanswered = (flight: Flight): Flight =>
    flight.phase === 'reading' ? { ...flight, phase: 'loading' } : flight;
  let next = become(state, at, {
    link: 'down',
    gate: world.app ? 'shut' : 'open',
    flight: me.flight === undefined ? undefined : unanswered(me.flight),
    loose: me.loose.map(unanswered),
    fills: [],
  });
  if (late === 'late')
    next = { ...next, late: [...next.late, ...me.fills.map((fill) => ({ op: 'fill', ...fill }) as const)] };
  for (const each of me.deletes) next = giveUp(world, next, at, each, late);
  return next;
}

function kill(state: CacheState, at: number): CacheState {
  const { deletes, fills } = instanceOf(state, at);
  const late: Late[] = [
    ...deletes
      .filter(({ phase }) => phase === 'sent')
      .map(({ as, version, bars }): Late => ({ op: 'delete', as, version, bars })),
    ...fills.map((fill): Late => ({ op: 'fill', ...fill })),
  ];
  const dead = become(state, at, {
    alive: false,
    l1: undefined,
    flight: undefined,
    loose: [],
    pending: undefined,
    deletes: [],
    fills: [],
    unsaid: [],
    knows: false,
  });
  return { ...dead, late: [...dead.late, ...late], bus: dead.bus.with(at, []) };
}

/** Only what is gone now is remembered as deleted. */
const allUpTo = (world: World, version: number): Pick<Delete, 'as' | 'version' | 'bars'> =>
  world.isLive(version) ? { version, as: 'expired', bars: 0 } : { version, as: 'invalidated', bars: version };

/** Deletes what the outbox has since the mark, writes the mark, opens the gate. */
function* replaySteps(world: World, state: CacheState, at: number): Generator<Step> {
  const { gate, link } = instanceOf(state, at);
  if (gate === 'open' || link === 'down' || state.truthAway) return;
  const who = nameOf(at);
  if (world.variant === 'no replay after an outage') {
    yield { name: `${who} opens its gate`, next: become(state, at, { gate: 'open' }) };
    return;
  }
  const marked = (of: CacheState, mark: number): CacheState => ({ ...of, store: { ...of.store, mark } });
  if (gate === 'shut') {
    const missed = state.truth > (state.store.mark ?? 0);
    const early = world.variant === 'mark written before the deletes';
    if (early) {
      const next = become(marked(state, state.truth), at, { gate: missed ? { upTo: state.truth } : 'open' });
      yield { name: `${who} reads the mark, and writes ${state.truth}`, next };
      return;
    }
    const deleted = missed ? runDelete(world, state, allUpTo(world, state.truth)) : state;
    const next = become(deleted, at, { gate: { upTo: state.truth } });
    yield { name: `${who} replays the outbox after ${state.store.mark} up to ${state.truth}`, next };
    return;
  }
  if (world.variant === 'mark written before the deletes') {
    const next = become(runDelete(world, state, allUpTo(world, gate.upTo)), at, { gate: 'open' });
    yield { name: `${who} deletes what the outbox has`, next };
    return;
  }
  yield {
    name: `${who} marks ${gate.upTo}, and opens its gate`,
    next: become(marked(state, gate.upTo), at, { gate: 'open' }),
  };
}

export function* faultSteps(world: World, state: CacheState): Generator<Step> {
  for (const late of state.late) {
    const rest = { ...state, late: without(state.late, late) };
    if (late.op === 'delete')
      yield {
        name: `Redis runs the late delete for ${late.version}`,
        next: runDelete(world, rest, late),
      };
    else {
      const next = runFill(world, rest, late.token, late.version);
      if (next !== undefined) yield { name: `Redis runs the late fill with ${late.version}`, next };
    }
  }
  for (const at of state.instances.keys()) {
    const me = instanceOf(state, at);
    if (!me.alive) continue;
    const who = nameOf(at);
    if (me.link === 'down') yield { name: `${who}'s link is up`, next: become(state, at, { link: 'up' }) };
    else if (state.faults.linkDown > 0)
      yield { name: `${who}'s link is down`, next: cut(world, spend(state, 'linkDown'), at, 'late') };
    yield* replaySteps(world, state, at);
    if (state.faults.kill > 0 && state.instances.every(({ alive }) => alive))
      yield { name: `${who} is killed`, next: kill(spend(state, 'kill'), at) };
    if (me.suspects === 'yes' && state.faults.tenMinutes > 0) {
      // The promise ends here: from now on it knows what the store knows.
      const heard = Math.min(me.heard, state.store.deleted);
      const next = become(spend(state, 'tenMinutes'), at, { suspects: 'expired', heard });
      yield { name: `${who} has suspected the key for ten minutes`, next };
    }
  }
  yield* sharedFaults(world, state);
}

function* sharedFaults(world: World, state: CacheState): Generator<Step> {
  const { store, snapshot, faults } = state;
  if (faults.flush > 0) {
    const next = {
      ...spend(state, 'flush'),
      store: { ...store, entry: { kind: 'absent' } as const, mark: undefined, barred: 0 },
    };
    yield { name: 'Redis is flushed', next };
  }
  if (faults.rollback > 0) {
    if (snapshot === undefined) yield { name: 'Redis saves a snapshot', next: { ...state, snapshot: store } };
    else {
      let next: CacheState = { ...spend(state, 'rollback'), store: snapshot, late: [] };
      for (const [at, { alive, link }] of state.instances.entries())
        if (alive && link === 'up') next = cut(world, next, at, 'gone');
      yield { name: `Redis restarts from the snapshot`, next: { ...next, late: [], snapshot: undefined } };
    }
  }
  if (faults.truthAway > 0 && !state.truthAway)
    yield { name: 'the truth goes away', next: { ...spend(state, 'truthAway'), truthAway: true } };
  const stale = faults.stale > 0 ? goStale(world, store) : undefined;
  if (stale !== undefined)
    yield { name: 'the entry in Redis goes stale', next: { ...spend(state, 'stale'), store: stale } };
}
