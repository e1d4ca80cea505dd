/**
 * The protocol of docs/4.protocols/ids.md as a model: instances that want blocks, a Redis that forgets, an SQL that is restored,
 * commands whose answers are lost, and commands that run later than anyone waits for them.
 *
 * What each server does to one command is atomic (a Lua script; one statement with a primary key), so a step is one of: the
 * server runs a command and the instance hears of it; it runs, and the answer is lost; the instance gives up, and the command
 * stays under way, to run at any later time or never. A server that is away or stopped needs no state of its own: its steps are
 * just not chosen for a while, and an instance may take SQL for its proposer at any time, as it does when Redis is away.
 */
import type { Model, ModelStep } from '@spillway/testkit';

type Command = { readonly raise: number } | { readonly insert: number };

type Instance = { readonly left: number } & (
  | { readonly at: 'idle'; readonly floor: number }
  | { readonly at: 'proposed'; readonly number: number; readonly asked: 'never' | 'unanswered' }
  | { readonly at: 'confirmed'; readonly number: number }
);

export interface IdsState {
  /** Redis: the last number proposed; the highest it was since Redis last forgot; and a snapshot that it may return to. */
  readonly counter: number;
  readonly reached: number;
  readonly snapshot: number;
  /** SQL: the blocks confirmed, in the order of their commits; everything up to the floor is closed. */
  readonly rows: readonly number[];
  readonly floor: number;
  /** Commands that nobody waits for any more, and that may still run. */
  readonly late: readonly Command[];
  readonly instances: readonly Instance[];
  /** Blocks whose ids were given out, once per time. */
  readonly used: readonly number[];
  /** Faults still to come. */
  readonly faults: Readonly<Record<Fault, number>>;
}

type Fault = 'lost' | 'crash' | 'save' | 'forget' | 'restore';

/** The protocol as it is, or with one of the mistakes that the explorer has to catch. */
export type Variant =
  | 'sound'
  | 'no fence'
  | 'confirm after use'
  | 'raise that lowers'
  | 'conflict on a retry taken for own success'
  | 'lost answer taken for success'
  | 'restore steps over without a floor'
  | 'restore steps over rows instead of numbers';

export interface IdsModelOptions {
  readonly variant?: Variant;
  readonly instances?: number;
  /** How many blocks each instance wants. */
  readonly blocks?: number;
  readonly faults: Partial<Record<Fault, number>>;
  readonly maxStates?: number;
}

const highest = (state: IdsState): number => Math.max(state.floor, ...state.rows);

const idle = (instance: Instance, floor = 0): Instance => ({ at: 'idle', left: instance.left, floor });

export function idsModel(options: IdsModelOptions): Model<IdsState> {
  const { variant = 'sound', instances = 2, blocks = 2 } = options;
  const none: Record<Fault, number> = { lost: 0, crash: 0, save: 0, forget: 0, restore: 0 };
  return {
    initial: {
      counter: 0,
      reached: 0,
      snapshot: 0,
      rows: [],
      floor: 0,
      late: [],
      instances: Array.from({ length: instances }, () => ({ at: 'idle', left: blocks, floor: 0 })),
      used: [],
      faults: { ...none, ...options.faults },
    },
    *steps(state) {
      for (const index of state.instances.keys()) yield* instanceSteps(state, index, variant);
      yield* lateSteps(state, variant);
      yield* serverSteps(state, variant);
    },
    invariant(state) {
      const twice = state.used.find((number, index) => state.used.indexOf(number) !== index);
      if (twice !== undefined) return `G1: block ${twice} is given out twice`;
      if (state.counter < state.reached) return `the counter went from ${state.reached} back to ${state.counter}`;
      return undefined;
    },
    atRest: (state) =>
      state.instances.some(({ left }) => left > 0) ? 'an instance is stuck without a block' : undefined,
    key,
    ...(options.maxStates === undefined ? {} : { maxStates: options.maxStates }),
  };
}

/**
 * Instances are alike, and sets have no order; that of the commits matters only while a restore may still cut it.
 * Written by hand: it is made for every step, and most of the time goes here.
 */
function key(state: IdsState): string {
  const { counter, reached, snapshot, floor, faults } = state;
  const rows = faults.restore > 0 ? state.rows : state.rows.toSorted((a, b) => a - b);
  const instances = state.instances.map(keyOfInstance).sort();
  const left = `${faults.lost},${faults.crash},${faults.save},${faults.forget},${faults.restore}`;
  const late = state.late.map(keyOfCommand);
  return `${counter},${reached},${snapshot},${floor};${rows};${late};${instances};${state.used};${left}`;
}

function keyOfInstance(instance: Instance): string {
  if (instance.at === 'idle') return `i${instance.left}/${instance.floor}`;
  if (instance.at === 'confirmed') return `c${instance.left}/${instance.number}`;
  return `${instance.asked === 'never' ? 'p' : 'u'}${instance.left}/${instance.number}`;
}

const keyOfCommand = (command: Command): string => ('raise' in command ? `r${command.raise}` : `i${command.insert}`);

function fail(state: IdsState, fault: Fault): IdsState {
  return { ...state, faults: { ...state.faults, [fault]: state.faults[fault] - 1 } };
}

function send(state: IdsState, command: Command): IdsState {
  const late = [...state.late, command].sort((a, b) => (keyOfCommand(a) < keyOfCommand(b) ? -1 : 1));
  return { ...fail(state, 'lost'), late };
}

/** What Redis does: raise the counter to the floor, never lower it, and count on. */
function runRaise(state: IdsState, floor: number, variant: Variant): IdsState {
  const from = variant === 'raise that lowers' && floor > 0 ? floor : Math.max(state.counter, floor);
  return { ...state, counter: from + 1, reached: Math.max(state.reached, state.counter) };
}

/** What SQL does: the primary key lets a number in once, and the floor keeps closed what a restore may have forgotten. */
function runInsert(state: IdsState, number: number): { state: IdsState; inserted: boolean } {
  const inserted = number > state.floor && !state.rows.includes(number);
  return { state: inserted ? { ...state, rows: [...state.rows, number] } : state, inserted };
}

function use(state: IdsState, number: number): IdsState {
  return { ...state, used: [...state.used, number].sort((a, b) => a - b) };
}

function* instanceSteps(state: IdsState, index: number, variant: Variant): Generator<ModelStep<IdsState>> {
  const who = 'ABC'.charAt(index);
  const me = state.instances[index] as Instance;
  const become = (from: IdsState, instance: Instance): IdsState => ({
    ...from,
    instances: from.instances.with(index, instance),
  });
  const done = (from: IdsState): IdsState => become(from, { at: 'idle', left: me.left - 1, floor: 0 });
  const lossy = state.faults.lost > 0;

  if (me.at !== 'idle' && state.faults.crash > 0) {
    yield { name: `${who} is killed`, next: become(fail(state, 'crash'), idle(me)) };
  }

  if (me.at === 'idle' && me.left > 0) {
    const propose = (from: IdsState, number: number): IdsState => {
      if (variant === 'no fence') return done(use(from, number));
      if (variant === 'confirm after use') from = use(from, number);
      return become(from, { at: 'proposed', left: me.left, number, asked: 'never' });
    };
    const raised = runRaise(state, me.floor, variant);
    const command = me.floor === 0 ? 'INCR' : `raise to ${me.floor}`;
    yield { name: `${who}: ${command}, Redis proposes ${raised.counter}`, next: propose(raised, raised.counter) };
    if (variant !== 'no fence') {
      const bySql = highest(state) + 1;
      yield { name: `${who}: SQL proposes ${bySql}`, next: propose(state, bySql) };
    }
    if (lossy) {
      yield { name: `${who}: ${command} runs, answer lost`, next: fail(raised, 'lost') };
      yield { name: `${who}: ${command} times out, still under way`, next: send(state, { raise: me.floor }) };
    }
  }

  if (me.at === 'proposed') {
    const { number } = me;
    const { state: after, inserted } = runInsert(state, number);
    const mistakenForMine = variant === 'conflict on a retry taken for own success' && me.asked === 'unanswered';
    if (variant === 'confirm after use') {
      yield { name: `${who}: INSERT ${number}`, next: done(after) };
    } else if (inserted || mistakenForMine) {
      const name = `${who}: INSERT ${number} ${inserted ? 'commits' : 'conflicts, taken for its own'}`;
      yield { name, next: become(after, { at: 'confirmed', left: me.left, number }) };
    } else {
      const name = `${who}: INSERT ${number} conflicts, highest is ${highest(state)}`;
      yield { name, next: become(state, idle(me, highest(state))) };
    }
    if (lossy) {
      const afterwards = (from: IdsState): IdsState => {
        if (variant === 'lost answer taken for success')
          return become(from, { at: 'confirmed', left: me.left, number });
        if (variant === 'conflict on a retry taken for own success')
          return become(from, { ...me, asked: 'unanswered' });
        return become(from, idle(me));
      };
      yield { name: `${who}: INSERT ${number} runs, answer lost`, next: afterwards(fail(after, 'lost')) };
      yield {
        name: `${who}: INSERT ${number} times out, still under way`,
        next: afterwards(send(state, { insert: number })),
      };
    }
  }

  if (me.at === 'confirmed') yield { name: `${who} gives out block ${me.number}`, next: done(use(state, me.number)) };
}

function* lateSteps(state: IdsState, variant: Variant): Generator<ModelStep<IdsState>> {
  for (const [index, command] of state.late.entries()) {
    const rest = { ...state, late: state.late.toSpliced(index, 1) };
    if ('raise' in command) {
      yield { name: `late: raise to ${command.raise} runs`, next: runRaise(rest, command.raise, variant) };
    } else {
      yield { name: `late: INSERT ${command.insert} runs`, next: runInsert(rest, command.insert).state };
    }
  }
}

function* serverSteps(state: IdsState, variant: Variant): Generator<ModelStep<IdsState>> {
  if (state.faults.save > 0)
    yield { name: 'Redis saves a snapshot', next: { ...fail(state, 'save'), snapshot: state.counter } };
  if (state.faults.forget > 0) {
    for (const counter of new Set([0, state.snapshot])) {
      const name = counter === 0 ? 'Redis forgets everything' : `Redis returns with its snapshot, ${counter}`;
      yield { name, next: { ...fail(state, 'forget'), counter, reached: counter } };
    }
  }
  if (state.faults.restore > 0) {
    for (let kept = 0; kept < state.rows.length; kept++) {
      const restored = { ...fail(state, 'restore'), rows: state.rows.slice(0, kept) };
      const lost = state.rows.slice(kept);
      // The least margin that is right covers the numbers, not the rows: numbers are skipped, and commits are not in their order.
      const margin = Math.max(0, highest(state) - highest(restored));
      const above =
        highest(restored) + (variant === 'restore steps over rows instead of numbers' ? lost.length : margin);
      const next =
        variant === 'restore steps over without a floor'
          ? { ...restored, rows: [...restored.rows, above + 1] }
          : { ...restored, floor: above };
      yield { name: `SQL is restored without the rows ${lost}, and steps over to ${above}`, next };
    }
  }
}
