/** An invalidation of the tag, from the commit to the last one who hears of it; `tiers/tags.ts` and `l2-tier.ts`. */
import type { ModelStep } from '@spillway/testkit';
import { replaced, without } from '../state.ts';
import { drop } from './tag-look-ups.ts';
import { runClaim, runFill, runOutdate } from './tag-redis.ts';
import {
  become,
  type Instance,
  instanceOf,
  type Message,
  nameOf,
  type Outdated,
  type Outdating,
  publish,
  spend,
  type TagState,
  type World,
} from './tag-state.ts';

type Step = ModelStep<TagState>;

const heard = (as: Outdated, { heard, barred }: Instance, version: number) => ({
  heard: Math.max(heard, version),
  barred: as === 'invalidated' ? Math.max(barred, version) : barred,
});

function tell(world: World, state: TagState, at: number, version: number, store: 'deleted' | 'pending'): TagState {
  const as = world.asOf(version);
  const pending = store === 'pending' && world.variant !== 'no pendingBy';
  const isTold = world.variant === 'told before the record is gone';
  const told = isTold ? state : publish(state, at, { kind: as, version, pending });
  return become(told, at, heard(as, instanceOf(state, at), version));
}

function outdate(world: World, state: TagState, at: number, version: number): TagState {
  const as = world.asOf(version);
  const dropped = drop(world, state, at, as);
  const { pending, outdatings } = instanceOf(dropped, at);
  const remember: Outdated = as === 'invalidated' ? as : (pending?.as ?? as);
  const next = become(dropped, at, {
    pending: { version, as: remember },
    outdatings: outdatings.map((each) => ({ ...each, newest: false })),
  });
  const isTold = world.variant === 'told before the record is gone';
  return send(isTold ? publish(next, at, { kind: as, version, pending: false }) : next, at, {
    version,
    as: remember,
    by: 'change',
  });
}

const send = (state: TagState, at: number, sent: Pick<Outdating, 'version' | 'as' | 'by'>): TagState =>
  become(state, at, {
    outdatings: [...instanceOf(state, at).outdatings, { ...sent, newest: true, covers: true, phase: 'sent' }],
  });

function confirm(world: World, state: TagState, at: number, done: Outdating): TagState {
  const { outdatings, pending, suspects } = instanceOf(state, at);
  const { newest, version, as, by, covers } = done;
  const next = become(state, at, {
    outdatings: without(outdatings, done),
    pending: newest ? undefined : pending,
    suspects: suspects && !(covers && (by === 'change' || newest)),
  });
  if (by === 'change') return tell(world, next, at, version, 'deleted');
  return newest ? publish(next, at, { kind: 'replayed', version, as }) : next;
}

function hear(world: World, state: TagState, at: number, message: Message): TagState {
  const me = instanceOf(state, at);
  switch (message.kind) {
    case 'gap': {
      if (world.variant === 'gap not noticed') return state;
      const { flight, l1 } = me;
      return become(state, at, {
        l1: l1 === undefined ? undefined : { ...l1, fresh: false },
        flight: flight === undefined ? undefined : { ...flight, beforeGap: true },
        loose: me.loose.map((each) => ({ ...each, beforeGap: true })),
        // Of what was missed, it has to know what has run in the store.
        heard: Math.max(me.heard, Math.min(message.version, state.store.deleted)),
      });
    }
    case 'replayed': {
      const told = become(state, at, { suspects: false, ...heard(message.as, me, message.version) });
      return me.suspects ? told : drop(world, told, at, message.as);
    }
    default: {
      const { version, kind, pending } = message;
      const told = become(state, at, heard(kind, me, version));
      const outdatings = me.outdatings.map((each) => ({ ...each, covers: false }));
      return drop(world, pending ? become(told, at, { suspects: true, outdatings }) : told, at, kind);
    }
  }
}

export function* changeSteps(world: World, state: TagState, at: number): Generator<Step> {
  const who = nameOf(at);
  const me = instanceOf(state, at);
  const { writes, writers = [] } = world.options;
  const version = state.truth + 1;
  const isWriter = (writers[state.truth] ?? at) === at;
  if (state.truth < writes.length && isWriter && !state.truthAway && me.unsaid.length === 0)
    yield { name: `${who} commits ${version}`, next: become({ ...state, truth: version }, at, { unsaid: [version] }) };
  for (const unsaid of me.unsaid) {
    const next = outdate(world, become(state, at, { unsaid: [] }), at, unsaid);
    yield { name: `${who} outdates the tag for ${unsaid}`, next };
  }
  for (const each of me.outdatings) {
    const rest = without(me.outdatings, each);
    if (each.phase === 'sent') {
      const ran = runOutdate(world, state, each.version, each.as);
      const next = become(ran, at, { outdatings: replaced(me.outdatings, each, { ...each, phase: 'ran' }) });
      yield { name: `Redis runs ${who}'s outdating for ${each.version}`, next };
    } else
      yield {
        name: `${who} hears that its outdating for ${each.version} is done`,
        next: confirm(world, state, at, each),
      };
    if (state.faults.lateCommand > 0) {
      let next = become(spend(state, 'lateCommand'), at, { outdatings: rest });
      const { version: of, as } = each;
      if (each.phase === 'sent') next = { ...next, late: [...next.late, { op: 'outdate', version: of, as }] };
      if (each.by === 'change') next = tell(world, next, at, of, 'pending');
      yield { name: `${who} hears nothing of its outdating for ${of}`, next };
    }
  }
  if (me.pending !== undefined && !me.outdatings.some(({ newest }) => newest))
    yield { name: `${who} repeats what is pending`, next: send(state, at, { ...me.pending, by: 'replay' }) };
  yield* messageSteps(world, state, at);
}

function* messageSteps(world: World, state: TagState, at: number): Generator<Step> {
  const [first, ...rest] = state.bus[at] ?? [];
  if (first === undefined) return;
  const read = { ...state, bus: state.bus.with(at, rest) };
  yield { name: `${nameOf(at)} hears: ${first.kind} ${first.version}`, next: hear(world, read, at, first) };
  if (state.faults.lostMessage === 0 || first.kind === 'gap') return;
  const gap: Message = { kind: 'gap', version: first.version };
  const next = { ...spend(state, 'lostMessage'), bus: state.bus.with(at, [gap, ...rest]) };
  yield { name: `the message to ${nameOf(at)} is lost: ${first.kind} ${first.version}`, next };
}

export function* faultSteps(world: World, state: TagState): Generator<Step> {
  for (const late of state.late) {
    const rest = { ...state, late: without(state.late, late) };
    switch (late.op) {
      case 'claim':
        yield { name: 'Redis runs a late claim', next: runClaim(world, rest).state };
        break;
      case 'outdate':
        yield {
          name: `Redis runs a late outdating for ${late.version}`,
          next: runOutdate(world, rest, late.version, late.as),
        };
        break;
      case 'fill': {
        const next = runFill(world, rest, late) ?? rest;
        yield { name: `Redis runs a late fill with ${late.version}`, next };
        break;
      }
      default:
        late satisfies never;
    }
  }
  const { store } = state;
  if (state.faults.evicted > 0 && store.record !== undefined)
    yield {
      name: 'the record is evicted',
      next: { ...spend(state, 'evicted'), store: { ...store, record: undefined } },
    };
  if (state.faults.flush > 0) {
    const flushed = { ...store, entry: { kind: 'absent' } as const, record: undefined };
    yield { name: 'Redis is flushed', next: { ...spend(state, 'flush'), store: flushed } };
  }
  if (state.faults.truthAway > 0 && !state.truthAway)
    yield { name: 'the truth goes away', next: { ...spend(state, 'truthAway'), truthAway: true } };
}
