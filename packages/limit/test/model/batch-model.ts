/**
 * Batches and charge-once of docs/4.protocols/limits.md as a model: takes of one turn travel as one command, which may be late, or
 * lost with its answer; a caller repeats a take under its id, on any instance; a store forgets, and ids with it.
 *
 * Each batch is sent once. The test says what the callers do: which takes they issue together, and which of them repeat an id.
 */
import type { Model, ModelStep } from '@spillway/testkit';
import { type BucketSize, charge, fits, fullTicks } from './bucket.ts';

export interface BatchTake {
  readonly cost: number;
  readonly id?: string;
}

type Verdict = 'allowed' | 'denied' | 'too late';

type Batch =
  | { readonly at: 'new' }
  | { readonly at: 'sent'; readonly sentAt: number }
  | { readonly at: 'run'; readonly verdicts: readonly Verdict[] }
  /** Nobody waits any more, and it has not run. */
  | { readonly at: 'late'; readonly sentAt: number }
  | { readonly at: 'done'; readonly verdicts?: readonly Verdict[] };

export interface BatchState {
  readonly now: number;
  readonly store: number;
  /** Until when the store remembers an id. */
  readonly ids: Readonly<Record<string, number>>;
  readonly batches: readonly Batch[];
  /** When an id was first sent: its callers repeat it for `promise` ticks. */
  readonly firstSent: Readonly<Record<string, number>>;
  /** By take: how often the store charged it since it last forgot, and how often its caller got an answer. */
  readonly charged: readonly number[];
  readonly answered: readonly number[];
  /** Everything charged, leaking at the rate: what a store that was asked one by one would hold. */
  readonly level: number;
  readonly broken: string;
  readonly losses: number;
  readonly faults: Readonly<Record<BatchFault, number>>;
}

export type BatchFault = 'unanswered' | 'forget';

export type BatchVariant =
  | 'sound'
  | 'id forgotten with the promise'
  | 'late command charges at any time'
  | 'id of a refused take remembered'
  | 'id remembered after the answer'
  | 'denied member charged'
  | 'denial ends the batch'
  | 'batch charged as a whole'
  | 'late answer settles again';

export interface BatchModelOptions {
  readonly size: BucketSize;
  readonly batches: readonly (readonly BatchTake[])[];
  /** For how long repeats of an id are free. */
  readonly promise: number;
  /** For how long after it was sent a command with an id may charge, on the store's clock. */
  readonly notAfter: number;
  readonly ticks: number;
  readonly faults: Partial<Record<BatchFault, number>>;
  readonly variant?: BatchVariant;
}

export function batchModel(options: BatchModelOptions): Model<BatchState> {
  const { size, batches, promise, notAfter, ticks, variant = 'sound' } = options;
  const remembered = variant === 'id forgotten with the promise' ? promise : promise + notAfter;
  const firstOf = batches.map((_, at) => batches.slice(0, at).flat().length);
  const takes = batches.flat();

  interface Run {
    readonly state: BatchState;
    readonly verdicts: readonly Verdict[];
  }

  /** The script: one after the other, each seeing what those before it left. */
  function run(state: BatchState, at: number, sentAt: number): Run {
    const { now } = state;
    let { store, level, broken } = state;
    const ids = { ...state.ids };
    const charged = [...state.charged];
    const members = batches[at] ?? [];
    const whole = members.reduce((sum, { cost }) => sum + cost, 0);
    const wholeFits = variant !== 'batch charged as a whole' || fits(size, store, now, whole);
    const verdicts: Verdict[] = [];
    for (const [index, { cost, id }] of members.entries()) {
      const number = (firstOf[at] ?? 0) + index;
      const isKnown = id !== undefined && (ids[id] ?? -1) >= now;
      if (isKnown) {
        verdicts.push('allowed');
        continue;
      }
      if (id !== undefined && now > sentAt + notAfter && variant !== 'late command charges at any time') {
        verdicts.push('too late');
        continue;
      }
      // One by one, this take would have met exactly the charges so far.
      const expected = level + cost * size.tokenTicks <= fullTicks(size) ? 'allowed' : 'denied';
      const isOver = !wholeFits || (variant === 'denial ends the batch' && verdicts.includes('denied'));
      const verdict = !isOver && fits(size, store, now, cost) ? 'allowed' : 'denied';
      verdicts.push(verdict);
      if (verdict !== expected) broken = `take ${number + 1} is ${verdict}, sent alone it would have been ${expected}`;
      if (verdict === 'allowed' || variant === 'denied member charged') {
        store = charge(size, store, now, cost);
        level += cost * size.tokenTicks;
        charged[number] = (charged[number] ?? 0) + 1;
      }
      const isKept = verdict === 'allowed' || variant === 'id of a refused take remembered';
      if (id !== undefined && isKept && variant !== 'id remembered after the answer') ids[id] = now + remembered;
    }
    return { state: { ...state, store, level, broken, ids, charged }, verdicts };
  }

  const become = (state: BatchState, at: number, batch: Batch): BatchState => ({
    ...state,
    batches: state.batches.with(at, batch),
  });
  const fail = (state: BatchState, fault: BatchFault): BatchState => ({
    ...state,
    faults: { ...state.faults, [fault]: state.faults[fault] - 1 },
  });
  /** Each take of the batch gets an answer: the store's, or what `onStoreError` makes of none. */
  const answer = (state: BatchState, at: number): BatchState => {
    const from = firstOf[at] ?? 0;
    const isOf = (number: number): boolean => number >= from && number < from + (batches[at] ?? []).length;
    return { ...state, answered: state.answered.map((times, number) => (isOf(number) ? times + 1 : times)) };
  };

  function* batchSteps(state: BatchState, at: number): Generator<ModelStep<BatchState>> {
    const who = `batch ${at + 1}`;
    const batch = state.batches[at] as Batch;
    const members = batches[at] ?? [];
    switch (batch.at) {
      case 'new': {
        const isMeant = members.every(({ id }) => {
          const first = id === undefined ? undefined : state.firstSent[id];
          return first === undefined || state.now <= first + promise;
        });
        if (!isMeant) return;
        const firstSent = { ...state.firstSent };
        for (const { id } of members) if (id !== undefined) firstSent[id] ??= state.now;
        yield { name: `${who} is sent`, next: become({ ...state, firstSent }, at, { at: 'sent', sentAt: state.now }) };
        return;
      }
      case 'sent': {
        const ran = run(state, at, batch.sentAt);
        const next = become(ran.state, at, { at: 'run', verdicts: ran.verdicts });
        yield { name: `the store runs ${who}: ${ran.verdicts}`, next };
        if (state.faults.unanswered > 0) {
          const late = become(fail(state, 'unanswered'), at, { at: 'late', sentAt: batch.sentAt });
          yield {
            name: `${who} is past its deadline: its takes are decided without the store`,
            next: answer(late, at),
          };
        }
        return;
      }
      case 'run': {
        const { verdicts } = batch;
        let { ids } = state;
        if (variant === 'id remembered after the answer') {
          for (const { id } of members) if (id !== undefined) ids = { ...ids, [id]: state.now + remembered };
        }
        const heard = become({ ...state, ids }, at, { at: 'done', verdicts });
        yield { name: `${who} hears: ${verdicts}`, next: answer(heard, at) };
        if (state.faults.unanswered > 0) {
          const failed = fail(state, 'unanswered');
          const next: Batch = variant === 'late answer settles again' ? batch : { at: 'done' };
          yield { name: `${who}'s answer is lost`, next: answer(become(failed, at, next), at) };
        }
        return;
      }
      case 'late': {
        const next = become(run(state, at, batch.sentAt).state, at, { at: 'done' });
        yield { name: `late: ${who} runs`, next };
      }
    }
  }

  function* steps(state: BatchState): Generator<ModelStep<BatchState>> {
    if (state.now < ticks) {
      const now = state.now + 1;
      yield { name: `it is ${now}`, next: { ...state, now, level: Math.max(0, state.level - 1) } };
    }
    for (const at of state.batches.keys()) yield* batchSteps(state, at);
    if (state.faults.forget > 0) {
      const lost = { store: 0, ids: {}, level: 0, charged: takes.map(() => 0), losses: state.losses + 1 };
      yield { name: 'the store forgets everything', next: { ...fail(state, 'forget'), ...lost } };
    }
  }

  function invariant(state: BatchState): string | undefined {
    if (state.broken !== '') return state.broken;
    if (state.level > fullTicks(size)) return `G2: charged ${state.level}, the bound is ${fullTicks(size)}`;
    const twice = state.answered.findIndex((times) => times > 1);
    if (twice >= 0) return `take ${twice + 1} is answered twice`;
    const byId = new Map<string, number>();
    for (const [number, { id }] of takes.entries()) {
      const times = state.charged[number] ?? 0;
      if (times > 1) return `take ${number + 1} is charged ${times} times`;
      if (id !== undefined) byId.set(id, (byId.get(id) ?? 0) + times);
    }
    for (const [id, times] of byId) if (times > 1) return `the id "${id}" is charged ${times} times`;
    for (const [at, batch] of state.batches.entries()) {
      if (batch.at !== 'done' || batch.verdicts === undefined) continue;
      for (const [index, verdict] of batch.verdicts.entries()) {
        const number = (firstOf[at] ?? 0) + index;
        const id = takes[number]?.id;
        const times = (id === undefined ? state.charged[number] : byId.get(id)) ?? 0;
        if (verdict === 'denied' && (state.charged[number] ?? 0) > 0) return `take ${number + 1} is denied and charged`;
        if (verdict === 'allowed' && times === 0 && state.losses === 0)
          return `take ${number + 1} is allowed for nothing`;
      }
    }
    return undefined;
  }

  return {
    initial: {
      now: 0,
      store: 0,
      ids: {},
      batches: batches.map(() => ({ at: 'new' })),
      firstSent: {},
      charged: takes.map(() => 0),
      answered: takes.map(() => 0),
      level: 0,
      broken: '',
      losses: 0,
      faults: { unanswered: 0, forget: 0, ...options.faults },
    },
    steps,
    invariant,
    key,
  };
}

/** Written by hand: most of the time goes here. */
function key(state: BatchState): string {
  const { now, store, ids, firstSent, charged, answered, level, losses, faults } = state;
  const batches = state.batches.map(keyOfBatch);
  const marks = `${Object.entries(ids).sort()};${Object.entries(firstSent).sort()};${charged};${answered};${state.broken}`;
  return `${now},${store},${level},${losses};${marks};${batches.join('|')};${faults.unanswered},${faults.forget}`;
}

function keyOfBatch(batch: Batch): string {
  if (batch.at === 'new') return batch.at;
  return `${batch.at}${'sentAt' in batch ? batch.sentAt : (batch.verdicts ?? '')}`;
}
