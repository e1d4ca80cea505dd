/**
 * The protocol of docs/4.protocols/clicks.md as a model for the explorer: producers that die, spools that are adopted, a
 * transport that forgets, rolls back and delivers late, two consumers that die, a database. The decisions are not
 * modelled but the code's own: `core/window.ts` and `core/admit.ts`. A batch carries one event, and its number in the producer's
 * life of publishing is the event's name.
 */
import type { Model, ModelStep } from '@spillway/testkit';
import { admit } from '../../src/core/admit.ts';
import { floorOf, forget, raiseFloor, settle, toSend } from '../../src/core/window.ts';

interface Slot {
  readonly seq: number;
  readonly event: number;
  readonly receipt: string | undefined;
  readonly floorSent: number;
}

/** One epoch's spool and whoever drains it: its living producer, or an adopter. */
interface Spool {
  readonly producer: number;
  readonly epoch: number;
  readonly slots: readonly Slot[];
  readonly last: number;
  readonly lastSend: 'answered' | 'unknown';
  /** The owner lives and may add. */
  readonly live: boolean;
  /** An adopter reads the watermark before it sends. */
  readonly caughtUp: boolean;
}

interface Producer {
  readonly published: number;
  readonly ring: readonly number[];
  /** Gone with a killed process's memory, as G6 allows. */
  readonly lost: readonly number[];
  /** Counted as dropped. */
  readonly dropped: readonly number[];
  readonly epoch: number;
}

interface Entry {
  readonly id: string;
  readonly producer: number;
  readonly epoch: number;
  readonly seq: number;
  readonly event: number;
  readonly floor: number;
  readonly delivered: boolean;
}

interface Consumer {
  readonly hand: readonly Entry[];
  readonly acks: readonly string[];
}

interface Database {
  /** Per producer, in the order of commits. */
  readonly counted: readonly (readonly number[])[];
  readonly marks: Readonly<Record<string, { readonly seq: number; readonly ahead: readonly number[] }>>;
}

export interface Faults {
  /** kill -9 of a producer or an adopter. */
  readonly kill?: number;
  readonly killConsumer?: number;
  /** The transport forgets everything. */
  readonly forget?: number;
  /** The transport is back in an earlier state. */
  readonly rollBack?: number;
  /** A send arrives after its caller gave up. */
  readonly late?: number;
  /** A send arrives and its answer does not. */
  readonly lostReply?: number;
  /** A commit happens and its answer is lost. */
  readonly unknownCommit?: number;
  /** A resend of what is committed already, because the watermark was read before. */
  readonly spuriousResend?: number;
  readonly diskFull?: number;
  /** A batch of a dead producer's spool can not be read any more. */
  readonly damage?: number;
  /** A slow consumer's entry is given to another one as well. */
  readonly claimFromTheLiving?: number;
  /** The database is back in an earlier state, against its promise. */
  readonly databaseRollBack?: number;
}

export type Mutant =
  | 'acknowledge-at-the-stream'
  | 'resend-under-a-new-number'
  | 'watermark-past-a-gap'
  | 'ahead-rows-pruned'
  | 'epoch-reused'
  | 'rows-and-watermark-apart'
  | 'floor-past-what-is-held'
  | 'no-floor'
  | 'adopter-renames'
  | 'successor-does-not-wait'
  | 'batches-sent-before-the-spool-has-them';

export interface ModelOptions {
  /** Events that each producer publishes. */
  readonly events: readonly number[];
  readonly consumers: number;
  readonly faults: Faults;
  /** 'ends': a consumer may at any time stop waiting for a missing predecessor. Order is not promised then. Default 'endless'. */
  readonly patience?: 'endless' | 'ends';
  readonly mutant?: Mutant;
}

export interface World {
  readonly producers: readonly Producer[];
  readonly spools: readonly Spool[];
  readonly stream: readonly Entry[];
  readonly snapshot: readonly Entry[];
  readonly late: readonly Entry[];
  readonly consumers: readonly Consumer[];
  readonly database: Database;
  readonly databaseSnapshot: Database;
  /** Lost by the damage of a disk or of the database: outside what G6 promises. */
  readonly forfeited: readonly string[];
  readonly budget: Readonly<Record<keyof Faults, number>>;
  readonly nextId: number;
}

const NO_FAULTS: Readonly<Record<keyof Faults, number>> = {
  kill: 0,
  killConsumer: 0,
  forget: 0,
  rollBack: 0,
  late: 0,
  lostReply: 0,
  unknownCommit: 0,
  spuriousResend: 0,
  diskFull: 0,
  damage: 0,
  claimFromTheLiving: 0,
  databaseRollBack: 0,
};

const markKey = ({ producer, epoch }: { readonly producer: number; readonly epoch: number }): string =>
  `${producer}/${epoch}`;

const markOf = (database: Database, of: { readonly producer: number; readonly epoch: number }) =>
  database.marks[markKey(of)] ?? { seq: 0, ahead: [] };

export function clicksModel(options: ModelOptions): Model<World> {
  const { events, mutant } = options;
  const producerCount = events.length;
  // Not to a consumer that gave up waiting, nor over what a disk or the database lost: a copy of it may still be on its way.
  const { damage, databaseRollBack } = options.faults;
  const orderIsPromised = options.patience !== 'ends' && damage === undefined && databaseRollBack === undefined;

  const initial: World = tidy({
    producers: events.map(() => ({ published: 0, ring: [], lost: [], dropped: [], epoch: 1 })),
    spools: events.map((_, producer) => freshSpool(producer, 1)),
    stream: [],
    snapshot: [],
    late: [],
    consumers: Array.from({ length: options.consumers }, () => ({ hand: [], acks: [] })),
    database: { counted: events.map(() => []), marks: {} },
    databaseSnapshot: { counted: events.map(() => []), marks: {} },
    forfeited: [],
    budget: { ...NO_FAULTS, ...options.faults },
    nextId: 1,
  });

  function* steps(world: World): Generator<ModelStep<World>> {
    for (let producer = 0; producer < producerCount; producer += 1) yield* producerSteps(world, producer);
    for (const spool of world.spools) yield* spoolSteps(world, spool);
    yield* streamSteps(world);
    for (let consumer = 0; consumer < world.consumers.length; consumer += 1) yield* consumerSteps(world, consumer);
    // So that what would be stuck without the next fault comes to rest, and is seen.
    if (Object.values(world.budget).some((left) => left > 0))
      yield step('no more faults', { ...world, budget: NO_FAULTS });
  }

  function* producerSteps(world: World, at: number): Generator<ModelStep<World>> {
    const producer = world.producers[at];
    const spool = world.spools.find((candidate) => candidate.producer === at && candidate.live);
    if (producer === undefined || spool === undefined) return;
    const name = `producer ${at}`;
    const set = (change: Partial<Producer>): readonly Producer[] =>
      world.producers.with(at, { ...producer, ...change });

    if (producer.published < (events[at] ?? 0)) {
      const published = producer.published + 1;
      yield step(`${name} publishes ${published}`, {
        ...world,
        producers: set({ published, ring: [...producer.ring, published] }),
      });
    }
    const [event, ...ring] = producer.ring;
    if (event !== undefined) {
      const seq = spool.last + 1;
      const written = {
        ...spool,
        last: seq,
        slots: [...spool.slots, { seq, event, receipt: undefined, floorSent: -1 }],
      };
      yield step(`${name} spools ${event} as ${seq}`, {
        ...world,
        producers: set({ ring }),
        spools: swap(world, spool, written),
      });
      if (mutant === 'batches-sent-before-the-spool-has-them') {
        yield step(
          `${name} sends ${event} as ${seq} from memory`,
          send(world, spool, { seq, event, receipt: undefined, floorSent: -1 }, 'answered'),
        );
      }
      if (world.budget.diskFull > 0) {
        const dropped = [...producer.dropped, event];
        yield step(`${name} drops ${event}: disk full`, {
          ...spend(world, 'diskFull'),
          producers: set({ ring, dropped }),
        });
      }
    }
    if (world.budget.kill > 0) {
      const epoch = mutant === 'epoch-reused' ? producer.epoch : producer.epoch + 1;
      const orphan: Spool = orphaned(spool);
      const successor = freshSpool(at, epoch);
      yield step(`${name} is killed and started anew`, {
        ...spend(world, 'kill'),
        producers: set({ ring: [], lost: [...producer.lost, ...producer.ring], epoch }),
        spools: [...swap(world, spool, orphan), successor],
      });
    }
  }

  function* spoolSteps(world: World, spool: Spool): Generator<ModelStep<World>> {
    const who = `${spool.live ? 'producer' : 'adopter of'} ${spool.producer}/${spool.epoch}`;
    const set = (change: Partial<Spool>, from: World = world): World => ({
      ...from,
      spools: swap(from, spool, { ...spool, ...change }),
    });
    const mark = markOf(world.database, spool);

    // The watermark frees the spool, and nothing else does.
    const known = mutant === 'acknowledge-at-the-stream' ? lastReceived(spool) : mark.seq;
    const { settled, slots } = settle(spool.slots, Math.max(known, mark.seq));
    const floor = floorOf(spool.slots, spool.last);
    const raised = mark.seq < floor && mutant !== 'no-floor' ? raiseFloor(slots, mark.seq) : slots;
    if (settled.length > 0 || !spool.caughtUp || raised.some((slot, index) => slot !== slots[index])) {
      yield step(`${who} reads watermark ${mark.seq}`, set({ slots: raised, caughtUp: true }));
    }
    if (!spool.live && spool.slots.length > 0 && world.budget.kill > 0) {
      yield step(`${who} is killed, another adopts`, set(orphaned(spool), spend(world, 'kill')));
    }
    if (!spool.live && !spool.caughtUp && world.budget.damage > 0) {
      for (const slot of spool.slots) {
        const rest = spool.slots.filter((other) => other !== slot);
        const counted = world.database.counted[spool.producer]?.includes(slot.event);
        const forfeited = counted ? world.forfeited : [...world.forfeited, `${spool.producer}:${slot.event}`];
        yield step(`${who} can not read ${slot.seq}`, set({ slots: rest }, { ...spend(world, 'damage'), forfeited }));
      }
    }
    if (!spool.caughtUp) return;
    const earlier = world.spools.some((other) => other.producer === spool.producer && other.epoch < spool.epoch);
    if (earlier && mutant !== 'successor-does-not-wait') return;

    for (const slot of toSend(spool.slots, spool.lastSend, 1)) {
      yield step(`${who} sends ${slot.seq}`, send(world, spool, slot, 'answered'));
      if (world.budget.lostReply > 0) {
        yield step(`${who} sends ${slot.seq}, answer lost`, send(spend(world, 'lostReply'), spool, slot, 'unknown'));
      }
      if (world.budget.late > 0) {
        yield step(`${who} sends ${slot.seq}, late`, send(spend(world, 'late'), spool, slot, 'late'));
      }
    }

    const inStream = new Set(world.stream.map(({ id }) => id));
    const receipts = spool.slots.flatMap(({ receipt }) => receipt ?? []);
    const missing = new Set(receipts.filter((id) => !inStream.has(id)));
    if (missing.size > 0) {
      const lost = spool.slots.filter((slot) => slot.receipt !== undefined && missing.has(slot.receipt));
      const spurious = lost.every((slot) => slot.seq <= mark.seq);
      const again = forget(spool.slots, missing);
      if (!spurious || world.budget.spuriousResend > 0) {
        const paid = spurious ? spend(world, 'spuriousResend') : world;
        if (mutant === 'resend-under-a-new-number') {
          const renumbered = again.map((slot, index) =>
            slot.receipt === undefined ? { ...slot, seq: spool.last + 1 + index } : slot,
          );
          yield step(
            `${who} misses some, and numbers them anew`,
            set({ slots: renumbered, last: spool.last + again.length }, paid),
          );
        } else {
          yield step(`${who} misses ${[...missing].join(' ')}`, set({ slots: again }, paid));
        }
      }
    }
  }

  function send(world: World, spool: Spool, slot: Slot, how: 'answered' | 'unknown' | 'late'): World {
    const heldFloor = floorOf(spool.slots, spool.last);
    const floor = mutant === 'no-floor' ? 0 : mutant === 'floor-past-what-is-held' ? slot.seq - 1 : heldFloor;
    const id = `e${world.nextId}`;
    const renamed = mutant === 'adopter-renames' && !spool.live;
    const epoch = renamed ? spool.epoch + 100 : spool.epoch;
    const entry: Entry = {
      id,
      producer: spool.producer,
      epoch,
      seq: slot.seq,
      event: slot.event,
      floor,
      delivered: false,
    };
    const receipt = how === 'answered' ? id : undefined;
    const slots = spool.slots.map((other) =>
      other.seq === slot.seq ? { ...other, receipt, floorSent: floor } : other,
    );
    return {
      ...world,
      nextId: world.nextId + 1,
      spools: swap(world, spool, { ...spool, slots, lastSend: how === 'answered' ? 'answered' : 'unknown' }),
      stream: how === 'late' ? world.stream : [...world.stream, entry],
      late: how === 'late' ? [...world.late, entry] : world.late,
    };
  }

  function* streamSteps(world: World): Generator<ModelStep<World>> {
    for (const entry of world.late) {
      const late = world.late.filter((other) => other !== entry);
      yield step(`late ${entry.id} arrives`, { ...world, late, stream: [...world.stream, entry] });
    }
    const next = world.stream.find(({ delivered }) => !delivered);
    for (let consumer = 0; consumer < world.consumers.length; consumer += 1) {
      if (next !== undefined) yield step(`${next.id} goes to consumer ${consumer}`, deliver(world, next, consumer));
      for (const entry of world.stream) {
        if (!entry.delivered || holds(world.consumers[consumer], entry)) continue;
        // Its consumer died, or Redis is back in an old state; or it is just slow.
        const inHand = world.consumers.some((other) => holds(other, entry));
        if (!inHand) yield step(`${entry.id} is claimed by ${consumer}`, deliver(world, entry, consumer));
        else if (world.budget.claimFromTheLiving > 0) {
          const claimed = deliver(spend(world, 'claimFromTheLiving'), entry, consumer);
          yield step(`${entry.id} is claimed by ${consumer} from a living consumer`, claimed);
        }
      }
    }
    if (world.budget.forget > 0 && (world.stream.length > 0 || world.snapshot.length > 0)) {
      yield step('Redis forgets', { ...spend(world, 'forget'), stream: [], snapshot: [] });
    }
    if (world.budget.rollBack > 0) {
      if (JSON.stringify(world.stream) !== JSON.stringify(world.snapshot)) {
        yield step('Redis saves', { ...world, snapshot: world.stream });
        yield step('Redis is rolled back', { ...spend(world, 'rollBack'), stream: world.snapshot, snapshot: [] });
      }
    }
    if (world.budget.databaseRollBack > 0 && world.database !== world.databaseSnapshot) {
      yield step('the database saves', { ...world, databaseSnapshot: world.database });
      const undone = world.database.counted.flatMap((counted, producer) =>
        counted
          .filter((event) => !world.databaseSnapshot.counted[producer]?.includes(event))
          .map((event) => `${producer}:${event}`),
      );
      yield step('the database loses commits', {
        ...spend(world, 'databaseRollBack'),
        database: world.databaseSnapshot,
        forfeited: [...new Set([...world.forfeited, ...undone])].sort(),
      });
    }
  }

  function deliver(world: World, entry: Entry, to: number): World {
    const delivered = { ...entry, delivered: true };
    const consumer = world.consumers[to] as Consumer;
    return {
      ...world,
      stream: world.stream.map((other) => (other.id === entry.id ? delivered : other)),
      consumers: world.consumers.with(to, { ...consumer, hand: [...consumer.hand, delivered] }),
    };
  }

  function* consumerSteps(world: World, at: number): Generator<ModelStep<World>> {
    const consumer = world.consumers[at] as Consumer;
    const { hand, acks } = consumer;
    if (hand.length > 0) {
      yield* commitSteps(world, at, consumer, 'waiting');
      if (options.patience === 'ends') yield* commitSteps(world, at, consumer, 'over');
    }
    if (acks.length > 0) {
      const stream = world.stream.filter(({ id }) => !acks.includes(id));
      yield step(`consumer ${at} acknowledges`, {
        ...world,
        stream,
        consumers: world.consumers.with(at, { hand, acks: [] }),
      });
    }
    if (world.budget.killConsumer > 0 && (hand.length > 0 || acks.length > 0)) {
      const consumers = world.consumers.with(at, { hand: [], acks: [] });
      yield step(`consumer ${at} is killed`, { ...spend(world, 'killConsumer'), consumers });
    }
  }

  function* commitSteps(
    world: World,
    at: number,
    consumer: Consumer,
    patience: 'waiting' | 'over',
  ): Generator<ModelStep<World>> {
    const { database, done, hold } = commit(world.database, consumer.hand, patience);
    const moved = database !== world.database;
    const acks = [...consumer.acks, ...done];
    if (moved || done.length > 0 || hold.length < consumer.hand.length) {
      const consumers = world.consumers.with(at, { hand: hold, acks });
      yield step(`consumer ${at} commits (${patience})`, { ...world, database, consumers });
    }
    if (moved && world.budget.unknownCommit > 0) {
      yield step(`consumer ${at} commits, answer lost`, { ...spend(world, 'unknownCommit'), database });
    }
    if (moved && mutant === 'rows-and-watermark-apart') {
      yield step(`consumer ${at} writes rows, and dies before the watermark`, {
        ...world,
        database: { ...world.database, counted: database.counted },
        consumers: world.consumers.with(at, { hand: [], acks: [] }),
      });
    }
  }

  function commit(database: Database, hand: readonly Entry[], patience: 'waiting' | 'over') {
    let result = database;
    const done: string[] = [];
    const hold: Entry[] = [];
    const groups = Map.groupBy(hand, markKey);
    for (const [key, entries] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const before = database.marks[key] ?? { seq: 0, ahead: [] };
      const offers = entries.map((entry) => ({ seq: entry.seq, floor: entry.floor, patience, entry }));
      const admission = admit({ seq: before.seq, ahead: new Set(before.ahead) }, offers);
      let { seq } = admission.mark;
      let ahead = [...admission.mark.ahead].sort((a, b) => a - b);
      if (mutant === 'watermark-past-a-gap' && admission.write.length > 0) {
        seq = Math.max(seq, ...admission.write.map((offer) => offer.seq));
        ahead = ahead.filter((number) => number > seq);
      }
      if (mutant === 'ahead-rows-pruned') ahead = [];
      done.push(...[...admission.write, ...admission.skip].map(({ entry }) => entry.id));
      hold.push(...admission.hold.map(({ entry }) => entry));
      if (admission.write.length === 0 && seq === before.seq) continue;
      const producer = entries[0]?.producer ?? 0;
      const counted = [...(result.counted[producer] ?? []), ...admission.write.map(({ entry }) => entry.event)];
      result = { counted: result.counted.with(producer, counted), marks: { ...result.marks, [key]: { seq, ahead } } };
    }
    return { database: result, done, hold };
  }

  function invariant(world: World): string | undefined {
    for (const [at, producer] of world.producers.entries()) {
      const counted = world.database.counted[at] ?? [];
      const twice = counted.find((event, index) => counted.indexOf(event) !== index);
      if (twice !== undefined) return `event ${at}:${twice} is counted twice`;
      const ordered = counted.every((event, index) => index === 0 || event > (counted[index - 1] ?? 0));
      if (!ordered && orderIsPromised) return `producer ${at} is counted out of order: ${counted.join(' ')}`;
      const spooled = world.spools
        .filter((spool) => spool.producer === at)
        .flatMap(({ slots }) => slots.map(({ event }) => event));
      const pending = new Set([...producer.ring, ...spooled]);
      for (let event = 1; event <= producer.published; event += 1) {
        const places = [counted.includes(event), producer.lost.includes(event), producer.dropped.includes(event)];
        const known = places.filter(Boolean).length;
        if (known > 1) return `event ${at}:${event} is counted and given up as well`;
        if (known === 0 && !pending.has(event) && !world.forfeited.includes(`${at}:${event}`))
          return `event ${at}:${event} is nowhere`;
      }
    }
    return undefined;
  }

  function atRest(world: World): string | undefined {
    const waiting = world.spools.find(({ slots }) => slots.length > 0);
    if (waiting !== undefined) return `the spool ${markKey(waiting)} is never emptied`;
    const left = world.stream.length + world.consumers.reduce((sum, { hand }) => sum + hand.length, 0);
    return left > 0 ? `${left} entries are never acknowledged` : undefined;
  }

  const step = (name: string, next: World): ModelStep<World> => ({ name, next: tidy(next) });
  return { initial, steps, invariant, atRest, key: keyOf, maxStates: 3_000_000 };
}

const freshSpool = (producer: number, epoch: number): Spool => ({
  producer,
  epoch,
  slots: [],
  last: 0,
  lastSend: 'answered',
  live: true,
  caughtUp: true,
});

/** Whoever takes a spool over knows what is on disk, and nothing else. */
const orphaned = (spool: Spool): Spool => ({
  ...spool,
  slots: spool.slots.map((slot) => ({ ...slot, receipt: undefined, floorSent: -1 })),
  lastSend: 'answered',
  live: false,
  caughtUp: false,
});

const swap = (world: World, spool: Spool, other: Spool): readonly Spool[] =>
  world.spools.map((candidate) => (candidate === spool ? other : candidate));

const holds = (consumer: Consumer | undefined, { id }: Entry): boolean =>
  consumer !== undefined && (consumer.hand.some((entry) => entry.id === id) || consumer.acks.includes(id));

const spend = (world: World, fault: keyof Faults): World => ({
  ...world,
  budget: { ...world.budget, [fault]: world.budget[fault] - 1 },
});

/** Up to where the stream said that it had everything: what the mutant takes for committed. */
function lastReceived(spool: Spool): number {
  let last = (spool.slots[0]?.seq ?? 1) - 1;
  for (const slot of spool.slots) {
    if (slot.receipt === undefined) break;
    last = slot.seq;
  }
  return last;
}

/**
 * Makes worlds equal that can not differ any more: drained spools of the dead go; ids are renumbered by their first appearance; a
 * receipt that no stream and no snapshot can bring back is just "gone"; twins among consumers are sorted.
 */
function tidy(world: World): World {
  const names = new Map<string, string>();
  const name = (id: string): string => {
    const known = names.get(id);
    if (known !== undefined) return known;
    const fresh = `e${names.size + 1}`;
    names.set(id, fresh);
    return fresh;
  };
  const rename = (entry: Entry): Entry => ({ ...entry, id: name(entry.id) });
  const byName = (a: Entry, b: Entry): number =>
    a.producer - b.producer || a.epoch - b.epoch || a.seq - b.seq || a.floor - b.floor;
  const stream = world.stream.map(rename);
  const snapshot = world.budget.rollBack > 0 ? world.snapshot.map(rename) : [];
  const late = world.late.map(rename);
  const consumers = world.consumers
    .map(({ hand, acks }) => ({
      hand: [...hand].sort(byName).map(rename),
      acks: acks.flatMap((id) => names.get(id) ?? []).sort(),
    }))
    .sort((a, b) => compare(handKey(a), handKey(b)));
  const spools = world.spools
    .filter((spool) => spool.live || spool.slots.length > 0)
    .map((spool) => ({
      ...spool,
      slots: spool.slots.map((slot) => ({
        ...slot,
        receipt: slot.receipt === undefined ? undefined : (names.get(slot.receipt) ?? 'gone'),
      })),
    }));
  return { ...world, stream, snapshot, late, consumers, spools, nextId: names.size + 1 };
}

const handKey = ({ hand, acks }: Consumer): string => `${hand.map(({ id }) => id)}/${acks}`;

/** All of a world, as short as it can be told apart: most of the explorer's time goes into keys. */
function keyOf(world: World): string {
  const entry = (e: Entry): string =>
    `${e.id},${e.producer},${e.epoch},${e.seq},${e.event},${e.floor},${e.delivered ? 1 : 0}`;
  const entries = (list: readonly Entry[]): string => list.map(entry).join(' ');
  const database = ({ counted, marks }: Database): string =>
    `${counted.join(';')}/${Object.keys(marks)
      .sort()
      .map((key) => `${key}=${marks[key]?.seq}+${marks[key]?.ahead}`)
      .join(' ')}`;
  return [
    world.producers.map((p) => `${p.published}:${p.ring}:${p.lost}:${p.dropped}:${p.epoch}`).join(';'),
    world.spools
      .map((s) => {
        const slots = s.slots.map(
          ({ seq, event, receipt, floorSent }) => `${seq},${event},${receipt ?? ''},${floorSent}`,
        );
        return `${s.producer}:${s.epoch}:${s.last}:${s.lastSend}:${s.live}:${s.caughtUp}:${slots.join(' ')}`;
      })
      .join(';'),
    entries(world.stream),
    entries(world.snapshot),
    entries(world.late),
    world.consumers.map(({ hand, acks }) => `${entries(hand)}:${acks}`).join(';'),
    database(world.database),
    database(world.databaseSnapshot),
    world.forfeited.join(),
    Object.values(world.budget).join(),
  ].join('|');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
