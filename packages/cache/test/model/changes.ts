/** A change, from its commit to the last one who hears of it; `tiered-cache.ts`, `l2-tier.ts` and the app's feed. */
import type { ModelStep } from '@spillway/testkit';
import { drop } from './look-ups.ts';
import { runDelete } from './redis.ts';
import {
  become,
  type CacheState,
  type Delete,
  type Instance,
  instanceOf,
  type Message,
  nameOf,
  type Outdated,
  publish,
  replaced,
  spend,
  type World,
  without,
} from './state.ts';

type Step = ModelStep<CacheState>;

const heard = (world: World, { heard, barred }: Instance, version: number) => ({
  heard: Math.max(heard, version),
  barred: world.isBar(version) ? Math.max(barred, version) : barred,
});

/** Its delete has been answered, or was given up: the others hear of it, and so does whoever asked for it. */
function tell(world: World, state: CacheState, at: number, version: number, store: 'deleted' | 'pending'): CacheState {
  const as = world.asOf(version);
  const me = instanceOf(state, at);
  const pending = store === 'pending' && world.variant !== 'no pendingBy';
  const told = world.variant === 'told before the delete' ? state : publish(state, at, { kind: as, version, pending });
  const next = become(told, at, heard(world, me, version));
  if (!world.app || store === 'pending') return next;
  const settled = [...new Set([...me.settled, version])].sort();
  return publish(become(next, at, { settled }), at, { kind: 'announced', version });
}

/** Drops it here, and sends the delete. */
function outdate(world: World, state: CacheState, at: number, version: number): CacheState {
  const as = world.asOf(version);
  const dropped = drop(state, at, as);
  const { pending, deletes, link } = instanceOf(dropped, at);
  // What is pending of an earlier change is this delete's affair, too.
  const remember: Outdated = as === 'invalidated' ? as : (pending?.as ?? as);
  const bars = world.isBar(version) ? version : (pending?.bars ?? 0);
  let next = become(dropped, at, {
    pending: { version, as: remember, bars },
    deletes: deletes.map((each) => ({ ...each, newest: false })),
  });
  if (world.variant === 'told before the delete') next = publish(next, at, { kind: as, version, pending: false });
  if (link === 'down') return tell(world, next, at, version, 'pending');
  const forgets = world.variant === 'delete that forgets the one before';
  return send(next, at, { version, as: forgets ? as : remember, bars, by: 'change' });
}

const send = (state: CacheState, at: number, sent: Pick<Delete, 'version' | 'as' | 'bars' | 'by'>): CacheState =>
  become(state, at, {
    deletes: [...instanceOf(state, at).deletes, { ...sent, newest: true, covers: true, phase: 'sent' }],
  });

/** The store has confirmed it. */
function confirm(world: World, state: CacheState, at: number, confirmed: Delete): CacheState {
  const { deletes, pending, suspects } = instanceOf(state, at);
  const { newest, version, as, by } = confirmed;
  const covers = (confirmed.covers || world.variant === 'suspicion cleared by an older delete') && suspects !== 'no';
  const cleared = covers && (by === 'change' || newest) ? 'no' : suspects;
  const next = become(state, at, {
    deletes: without(deletes, confirmed),
    pending: newest ? undefined : pending,
    suspects: cleared,
  });
  if (by === 'change') return tell(world, next, at, version, 'deleted');
  return newest ? publish(next, at, { kind: 'replayed', version, as }) : next;
}

/** Nobody waits for the answer of it any more. */
export function giveUp(world: World, state: CacheState, at: number, given: Delete, late: 'late' | 'gone'): CacheState {
  const { version, as, bars, by } = given;
  const { deletes } = instanceOf(state, at);
  let next = become(state, at, { deletes: without(deletes, given) });
  if (late === 'late' && given.phase === 'sent')
    next = { ...next, late: [...next.late, { op: 'delete', as, version, bars }] };
  return by === 'change' ? tell(world, next, at, version, 'pending') : next;
}

function hear(world: World, state: CacheState, at: number, message: Message): CacheState {
  const me = instanceOf(state, at);
  switch (message.kind) {
    case 'gap': {
      if (world.variant === 'gap not noticed') return state;
      const { flight, l1 } = me;
      // Of what was missed, it has to know what is deleted in the store.
      const known = Math.min(message.version, state.store.deleted);
      return become(state, at, {
        l1: l1 === undefined ? undefined : { ...l1, fresh: false },
        flight: flight === undefined ? undefined : { ...flight, beforeGap: true },
        loose: me.loose.map((each) => ({ ...each, beforeGap: true })),
        heard: Math.max(me.heard, known),
      });
    }
    case 'announced':
      return become(state, at, { settled: [...new Set([...me.settled, message.version])].sort() });
    case 'replayed': {
      const { version, as } = message;
      const told = become(state, at, { suspects: 'no', ...heard(world, me, version) });
      const acquits =
        me.suspects === 'yes' || (me.suspects === 'expired' && world.variant === 'acquitted after expiry');
      if (!acquits) return drop(told, at, as);
      // It had heard of it before, and what it has read since is newer.
      return world.variant === 'replayed notice that drops'
        ? become(drop(told, at, as), at, { knows: me.knows })
        : told;
    }
    default: {
      const { version, kind, pending } = message;
      const told = become(state, at, heard(world, me, version));
      const suspecting = pending
        ? become(told, at, { suspects: 'yes', deletes: me.deletes.map((each) => ({ ...each, covers: false })) })
        : told;
      return drop(suspecting, at, kind);
    }
  }
}

const toText = (message: Message): string =>
  message.kind === 'gap'
    ? 'of a gap'
    : `${message.kind} ${message.version}${'pending' in message && message.pending ? ', pending' : ''}`;

export function* changeSteps(world: World, state: CacheState, at: number): Generator<Step> {
  const who = nameOf(at);
  const me = instanceOf(state, at);
  if (!me.alive) return;

  const version = state.truth + 1;
  const write = world.writes[state.truth];
  const isWriter = (world.writers[state.truth] ?? at) === at;
  if (write !== undefined && isWriter && !state.truthAway && me.unsaid.length === 0) {
    const committed = { ...state, truth: version, writers: [...state.writers, at] };
    yield { name: `${who} commits ${write} ${version}`, next: become(committed, at, { unsaid: [version] }) };
  }
  for (const unsaid of me.unsaid) {
    const next = outdate(world, become(state, at, { unsaid: [] }), at, unsaid);
    yield { name: `${who} drops the key, and sends the delete for ${unsaid}`, next };
  }
  for (const each of me.deletes) {
    const what = `${each.by === 'replay' ? 'repeated ' : ''}delete for ${each.version}`;
    if (each.phase === 'sent') {
      const ran = runDelete(world, state, each);
      const next = become(ran, at, { deletes: replaced(me.deletes, each, { ...each, phase: 'ran' }) });
      yield { name: `Redis runs ${who}'s ${what}`, next };
    } else yield { name: `${who} hears that its ${what} is done`, next: confirm(world, state, at, each) };
    if (state.faults.lateCommand > 0) {
      const next = giveUp(world, spend(state, 'lateCommand'), at, each, 'late');
      yield { name: `${who} hears nothing of its ${what}`, next };
    }
  }
  const { pending, deletes, link, gate } = me;
  if (pending !== undefined && link === 'up' && gate === 'open' && !deletes.some(({ newest }) => newest))
    yield { name: `${who} repeats its pending delete`, next: send(state, at, { ...pending, by: 'replay' }) };

  if (world.app && world.variant !== 'no feed' && !state.truthAway) {
    for (let change = 1; change <= state.truth; change += 1) {
      // Only of the dead: the feed waits for the others, and one delete more would show nothing new.
      if (instanceOf(state, state.writers[change - 1] ?? 0).alive || me.settled.includes(change)) continue;
      const known = become(state, at, { settled: [...me.settled, change].sort() });
      yield { name: `${who}'s feed finds ${change}`, next: outdate(world, known, at, change) };
    }
  }

  const [first, ...rest] = state.bus[at] ?? [];
  if (first === undefined) return;
  const read = { ...state, bus: state.bus.with(at, rest) };
  yield { name: `${who} hears: ${toText(first)}`, next: hear(world, read, at, first) };
  if (state.faults.lostMessage > 0) {
    const [second, ...others] = rest;
    const missed = Math.max(
      first.kind === 'announced' ? 0 : first.version,
      second?.kind === 'gap' ? second.version : 0,
    );
    const gap: Message = { kind: 'gap', version: missed };
    const left = [gap, ...(second?.kind === 'gap' ? others : rest)];
    const lost = { ...spend(state, 'lostMessage'), bus: state.bus.with(at, left) };
    yield { name: `the message to ${who} is lost: ${toText(first)}`, next: lost };
  }
}
