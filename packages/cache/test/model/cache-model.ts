/**
 * docs/4.protocols/cache.md as a model: one key, two instances with L1, a shared Redis, a bus that delays and loses, a truth with its
 * outbox. Commands may run after their deadline; Redis may be flushed or put back to a snapshot, a link be down, an instance be
 * killed. Time is in it only as what may happen: ceilings pass, loads end, deadlines go by, in any order.
 *
 * What is judged: every answer against what its instance knew when it was asked (G5); what an instance has at hand for the time when
 * nobody answers (G4); and, once nothing is under way, that no tier calls something old fresh.
 */
import type { Model } from '@spillway/testkit';
import { changeSteps } from './changes.ts';
import { faultSteps } from './faults.ts';
import { lookUpSteps } from './look-ups.ts';
import {
  type CacheModelOptions,
  type CacheState,
  type Instance,
  instanceOf,
  nameOf,
  type World,
  worldOf,
} from './state.ts';
import { keyOf, keyOfTwins } from './state-key.ts';

const FRESH: Instance = {
  alive: true,
  link: 'up',
  gate: 'open',
  loose: [],
  suspects: 'no',
  deletes: [],
  fills: [],
  unsaid: [],
  settled: [],
  heard: 0,
  barred: 0,
  knows: false,
};

const NO_FAULTS: CacheState['faults'] = {
  lateCommand: 0,
  lostMessage: 0,
  linkDown: 0,
  flush: 0,
  rollback: 0,
  kill: 0,
  truthAway: 0,
  tenMinutes: 0,
  stale: 0,
};

export function cacheModel(options: CacheModelOptions): Model<CacheState> {
  const { lookUps, writers } = options;
  const world = worldOf(options);
  return {
    initial: {
      truth: 0,
      writers: [],
      truthAway: false,
      store: { entry: { kind: 'absent' }, mark: 0, deleted: 0, barred: 0 },
      nextToken: 1,
      instances: [FRESH, FRESH],
      bus: [[], []],
      late: [],
      lookUps: typeof lookUps === 'number' ? lookUps : lookUps.length,
      faults: { ...NO_FAULTS, ...options.faults },
    },
    *steps(state) {
      for (const at of state.instances.keys()) {
        yield* lookUpSteps(world, state, at);
        yield* changeSteps(world, state, at);
      }
      yield* faultSteps(world, state);
    },
    invariant: (state) => state.broken ?? unavailable(world, state) ?? outdated(world, state),
    // With a cast each instance has its own part.
    key: writers === undefined && typeof lookUps === 'number' ? keyOfTwins : keyOf,
  };
}

function unavailable(world: World, state: CacheState): string | undefined {
  for (const [at, { knows, l1 }] of state.instances.entries()) {
    if (knows && (l1 === undefined || !world.isLive(l1.version)))
      return `G4: ${nameOf(at)} has read the key from the truth, and has nothing left to stand in`;
  }
  return undefined;
}

/** Nothing is under way that could still put it right. */
function isQuiet({ variant }: World, state: CacheState): boolean {
  if (state.late.length > 0) return false;
  for (const [at, me] of state.instances.entries()) {
    if (!me.alive) continue;
    const { unsaid, deletes, fills, pending, link, gate } = me;
    if (unsaid.length + deletes.length + fills.length > 0 || pending !== undefined) return false;
    if (link === 'down' || gate !== 'open' || (state.bus[at] ?? []).length > 0) return false;
    // What a dead one changed is the feed's affair.
    if (variant === 'no feed') continue;
    for (const [index, writer] of state.writers.entries())
      if (!instanceOf(state, writer).alive && !me.settled.includes(index + 1)) return false;
  }
  return true;
}

function outdated(world: World, state: CacheState): string | undefined {
  if (!isQuiet(world, state)) return undefined;
  const { entry } = state.store;
  const anyDead = state.instances.some(({ alive }) => !alive);
  if (anyDead && !world.app) return undefined;
  if (entry.kind === 'value' && entry.fresh && entry.version < state.truth)
    return `G5: in the end Redis has ${entry.version} as fresh, the truth is ${state.truth}`;
  for (const [at, { l1 }] of state.instances.entries()) {
    if (l1?.fresh === true && l1.version < state.truth)
      return `G5: in the end ${nameOf(at)} has ${l1.version} as fresh, the truth is ${state.truth}`;
  }
  return undefined;
}
