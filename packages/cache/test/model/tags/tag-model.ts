/**
 * Tags of docs/4.protocols/cache.md as a model: one key under one tag, two instances with L1, a shared Redis with the entry and the
 * tag's record, a bus, a truth whose changes are told by the tag alone. Commands may run after their deadline, messages be lost, the
 * record be evicted, Redis be flushed, in any order.
 *
 * What is judged: every answer against what its instance knew when it was asked; and, once nothing is under way, that no tier calls
 * something old valid.
 */
import type { Model } from '@spillway/testkit';
import { changeSteps, faultSteps } from './tag-changes.ts';
import { lookUpSteps } from './tag-look-ups.ts';
import { outdatedBy } from './tag-redis.ts';
import { type Instance, nameOf, type TagModelOptions, type TagState, type Words, type World } from './tag-state.ts';

const FRESH: Instance = {
  loose: [],
  suspects: false,
  outdatings: [],
  fills: [],
  unsaid: [],
  heard: 0,
  barred: 0,
};

export function tagModel(options: TagModelOptions): Model<TagState> {
  const world: World = {
    options,
    variant: options.variant ?? 'sound',
    asOf: (version) => options.writes[version - 1] ?? 'invalidated',
  };
  const { lookUps } = options;
  return {
    initial: {
      truth: 0,
      truthAway: false,
      store: { entry: { kind: 'absent' }, record: undefined, deleted: 0, barred: 0 },
      nextWord: 1,
      instances: [FRESH, FRESH],
      bus: [[], []],
      late: [],
      lookUps: typeof lookUps === 'number' ? lookUps : lookUps.length,
      faults: { lateCommand: 0, lostMessage: 0, evicted: 0, flush: 0, truthAway: 0, ...options.faults },
    },
    *steps(state) {
      for (const at of state.instances.keys()) {
        yield* lookUpSteps(world, state, at);
        yield* changeSteps(world, state, at);
      }
      yield* faultSteps(world, state);
    },
    invariant: (state) => state.broken ?? outdated(world, state),
    key: keyOf,
  };
}

function outdated(world: World, state: TagState): string | undefined {
  const isUnderWay = (me: Instance, at: number): boolean =>
    me.unsaid.length + me.outdatings.length + me.fills.length + (state.bus[at] ?? []).length > 0 ||
    me.pending !== undefined;
  if (state.late.length > 0 || state.instances.some(isUnderWay)) return undefined;
  const { entry, record } = state.store;
  if (entry.kind === 'value' && entry.version < state.truth && outdatedBy(world, record, entry.under) === undefined)
    return `G5: in the end Redis has ${entry.version} as valid, the truth is ${state.truth}`;
  for (const [at, { l1 }] of state.instances.entries()) {
    if (l1?.fresh === true && l1.version < state.truth)
      return `G5: in the end ${nameOf(at)} has ${l1.version} as fresh, the truth is ${state.truth}`;
  }
  return undefined;
}

/** Words and tokens matter only as equal or not. */
function keyOf(state: TagState): string {
  const names = new Map<number, number>();
  const rename = (word: number): number => {
    // A counter's are what they are.
    if (word < 0) return word;
    const known = names.get(word) ?? names.size;
    names.set(word, known);
    return known;
  };
  const isWords = (value: object): value is Words => 'era' in value;
  const { nextWord: _, ...rest } = state;
  return JSON.stringify(rest, (name, value: unknown) => {
    if (name === 'token' && typeof value === 'number') return rename(value);
    if (typeof value !== 'object' || value === null || !isWords(value)) return value;
    return `${rename(value.era)},${rename(value.version)}`;
  });
}
