/**
 * The local share of docs/4.protocols/limits.md as a model: a store that goes away and comes back, with its memory or without, and
 * holders that notice by their own takes only: refused at once (nothing was sent) or unanswered (it may have run, or may yet).
 * Each take gets the store's answer or this holder's share, never both; what was used locally is handed over with the next take.
 *
 * Levels stand for "over any interval", as in lease-model.ts.
 */
import type { Model, ModelStep } from '@spillway/testkit';
import { type BucketSize, charge, debt, fits, fullTicks, handOver } from './bucket.ts';

interface Asking {
  /** Handed over with this take: ticks of debt. */
  readonly over: number;
  /** Set once the store has run it: the answer is on its way. */
  readonly verdict?: 'allowed' | 'denied';
}

interface Holder {
  /** The share: a bucket of its own, which no outage's begin or end fills. */
  readonly shareFullAt: number;
  /** Tokens that the share gave and no store knows of. */
  readonly owed: number;
  readonly asking?: Asking;
}

export interface OutageState {
  readonly now: number;
  readonly link: 'up' | 'away';
  readonly store: number;
  readonly holders: readonly Holder[];
  /** Takes that nobody waits for any more, by what they hand over. */
  readonly late: readonly number[];
  /** Admissions of all, leaking at the policy's rate for each of the instances that the share knows nothing of. */
  readonly level: number;
  /** Admissions by shares alone, the same way. */
  readonly shareLevel: number;
  /** Admissions since the last outage began. */
  readonly sinceOutage: number;
  /** Edges of outages so far: of the store's, and of single takes that got no answer. */
  readonly edges: number;
  /** Takes that may be charged, minus those that were, in ticks: below zero, one was charged twice. */
  readonly uncharged: number;
  readonly losses: number;
  readonly faults: Readonly<Record<OutageFault, number>>;
}

export type OutageFault = 'outage' | 'unanswered' | 'forget';

export type OutageVariant =
  | 'sound'
  | 'handed over until answered'
  | 'handed over unclamped'
  | 'not handed over'
  | 'unanswered take handed over too'
  | 'refused take charged'
  | 'denial reaches the share'
  | 'share not divided'
  | 'share full at each outage'
  | 'take sent again';

export interface OutageModelOptions {
  readonly size: BucketSize;
  readonly instances: number;
  /** By how many the share is divided: live instances, as last known. */
  readonly lastKnown: number;
  readonly ticks: number;
  readonly faults: Partial<Record<OutageFault, number>>;
  readonly variant?: OutageVariant;
}

export function outageModel(options: OutageModelOptions): Model<OutageState> {
  const { size, instances, lastKnown, ticks, variant = 'sound' } = options;
  const unit = size.tokenTicks;
  const parts = variant === 'share not divided' ? 1 : lastKnown;
  /** Capacity and rate divided; from empty to full takes as long as before. */
  const share: BucketSize = {
    capacity: Math.max(1, Math.floor(size.capacity / parts)),
    tokenTicks: unit * parts,
  };
  // Instances now / last known, in whole parts: each instance that was not counted has a share of its own.
  const times = Math.ceil(instances / lastKnown);

  /** What is owed and has not refilled here meanwhile: whole tokens, rounded up, as ticks of the whole policy's debt. */
  const overOf = (state: OutageState, holder: Holder): number => {
    if (variant === 'not handed over') return 0;
    const missing = Math.ceil(debt(holder.shareFullAt, state.now) / share.tokenTicks);
    return Math.min(holder.owed, missing) * unit;
  };

  const become = (state: OutageState, at: number, holder: Holder): OutageState => ({
    ...state,
    holders: state.holders.with(at, holder),
  });
  const fail = (state: OutageState, fault: OutageFault): OutageState => ({
    ...state,
    faults: { ...state.faults, [fault]: state.faults[fault] - 1 },
  });
  const admit = (state: OutageState): OutageState => ({
    ...state,
    level: state.level + unit,
    sinceOutage: state.sinceOutage + unit,
  });

  /** What the store does: what is handed over first, as far as there is room, and then the take or nothing. */
  function runTake(state: OutageState, over: number): { readonly state: OutageState; readonly allowed: boolean } {
    const { now } = state;
    const before = Math.max(now, state.store);
    const clamped = handOver(size, state.store, now, over);
    const handed = variant === 'handed over unclamped' ? before + over : clamped;
    const allowed = fits(size, handed, now, 1);
    const store = allowed || variant === 'refused take charged' ? charge(size, handed, now, 1) : handed;
    return { state: { ...state, store, uncharged: state.uncharged - (store - before) }, allowed };
  }

  /** The share decides, once. `sent`: the take may be charged by its own command. */
  function decideLocally(state: OutageState, at: number, sent: 'sent' | 'not sent'): OutageState {
    const me = state.holders[at] as Holder;
    const { shareFullAt, owed } = me;
    if (!fits(share, shareFullAt, state.now, 1)) return become(state, at, { shareFullAt, owed });
    const isOwed = sent === 'not sent' || variant === 'unanswered take handed over too';
    const holder = { shareFullAt: charge(share, shareFullAt, state.now, 1), owed: isOwed ? owed + 1 : owed };
    const admitted = admit(become(state, at, holder));
    const uncharged = state.uncharged + (sent === 'sent' ? 0 : unit);
    return { ...admitted, uncharged, shareLevel: state.shareLevel + unit };
  }

  function* holderSteps(state: OutageState, at: number): Generator<ModelStep<OutageState>> {
    const who = 'AB'.charAt(at);
    const me = state.holders[at] as Holder;
    const { shareFullAt, owed, asking } = me;
    const keepsOwed = variant === 'handed over until answered';

    if (asking === undefined) {
      if (state.link === 'away') {
        yield { name: `${who}'s take can not be sent: its share decides`, next: decideLocally(state, at, 'not sent') };
      }
      const over = overOf(state, me);
      const sent: Holder = { shareFullAt, owed: keepsOwed ? owed : 0, asking: { over } };
      yield { name: `${who} sends a take${over > 0 ? ` and hands over ${over}` : ''}`, next: become(state, at, sent) };
      return;
    }

    const { over, verdict } = asking;
    if (verdict === undefined && state.link === 'up') {
      // What may be charged is known before it is: a take that is allowed.
      const { state: ran, allowed } = runTake(state, over);
      const heard: Holder = { shareFullAt, owed, asking: { over, verdict: allowed ? 'allowed' : 'denied' } };
      const counted = allowed ? { ...admit(ran), uncharged: ran.uncharged + unit } : ran;
      yield {
        name: `the store runs ${who}'s take: ${allowed ? 'allowed' : 'denied'}`,
        next: become(counted, at, heard),
      };
    }
    if (verdict !== undefined && state.link === 'up') {
      const done = become(state, at, { shareFullAt, owed: keepsOwed ? Math.max(0, owed - over / unit) : owed });
      const leaks = variant === 'denial reaches the share' && verdict === 'denied';
      yield { name: `${who} hears: ${verdict}`, next: leaks ? decideLocally(done, at, 'not sent') : done };
    }
    if (state.faults.unanswered > 0) {
      const failed = fail({ ...state, edges: state.edges + 2 }, 'unanswered');
      if (variant === 'take sent again') {
        const late = verdict === undefined ? [...state.late, over] : state.late;
        const again: Holder = { shareFullAt, owed, asking: { over } };
        yield { name: `${who} got no answer and sends again`, next: become({ ...failed, late }, at, again) };
        return;
      }
      const late = verdict === undefined ? [...state.late, over].sort() : state.late;
      const uncharged = failed.uncharged + (verdict === undefined ? unit : 0);
      const idle = become({ ...failed, late, uncharged }, at, { shareFullAt, owed });
      // A take that ran, and was allowed, was admitted there already: then its share only says so again.
      const next = verdict === 'denied' ? decideLocally(idle, at, 'not sent') : decideLocally(idle, at, 'sent');
      yield { name: `${who}'s take got no answer: its share decides`, next };
    }
  }

  function* steps(state: OutageState): Generator<ModelStep<OutageState>> {
    if (state.now < ticks) {
      const leak = (level: number, by: number): number => Math.max(0, level - by);
      const next = {
        ...state,
        now: state.now + 1,
        level: leak(state.level, times),
        shareLevel: leak(state.shareLevel, times),
        sinceOutage: leak(state.sinceOutage, 1),
      };
      yield { name: `it is ${next.now}`, next };
    }
    for (const at of state.holders.keys()) yield* holderSteps(state, at);
    if (state.link === 'up' && state.faults.outage > 0) {
      const isForgetful = variant === 'share full at each outage';
      const holders = isForgetful ? state.holders.map((holder) => ({ ...holder, shareFullAt: 0 })) : state.holders;
      const away = { ...fail(state, 'outage'), holders, edges: state.edges + 1, sinceOutage: 0 };
      const next: OutageState = { ...away, link: 'away' };
      yield { name: 'the store is away', next };
    }
    if (state.link === 'away') {
      const back: OutageState = { ...state, link: 'up', edges: state.edges + 1 };
      yield { name: 'the store is back', next: back };
      if (state.faults.forget > 0) {
        const next = { ...fail(back, 'forget'), store: 0, losses: state.losses + 1 };
        yield { name: 'the store is back and remembers nothing', next };
      }
    }
    if (state.link === 'up') {
      for (const [index, over] of state.late.entries()) {
        const rest = { ...state, late: state.late.toSpliced(index, 1) };
        yield { name: 'late: a take runs', next: runTake(rest, over).state };
      }
    }
  }

  return {
    initial: {
      now: 0,
      link: 'up',
      store: 0,
      holders: Array.from({ length: instances }, () => ({ shareFullAt: 0, owed: 0 })),
      late: [],
      level: 0,
      shareLevel: 0,
      sinceOutage: 0,
      edges: 0,
      uncharged: 0,
      losses: 0,
      faults: { outage: 0, unanswered: 0, forget: 0, ...options.faults },
    },
    steps,
    invariant(state) {
      const full = fullTicks(size);
      const shares = instances * Math.max(unit, Math.floor(size.capacity / lastKnown) * unit);
      if (state.edges === 0 && state.level > full) return `G2: admitted ${state.level}, the bound is ${full}`;
      if (state.shareLevel > shares) return `G3: shares admitted ${state.shareLevel}, the bound is ${shares}`;
      const bound = shares + state.edges * full;
      if (state.level > bound) return `G3: admitted ${state.level}, the bound is ${bound}`;
      // One instance that knows of each of its takes whether it was sent leaves no burst at the end of an outage.
      const isAlone = instances === 1 && lastKnown === 1 && options.faults.unanswered === undefined;
      if (isAlone && state.edges > 0 && state.sinceOutage > full)
        return `G3: admitted ${state.sinceOutage} since the outage began, the bound is ${full}`;
      if (state.uncharged < 0) return 'a take was charged twice';
      if (debt(state.store, state.now) > full) return 'a client was driven into debt beyond empty';
      return undefined;
    },
    key,
  };
}

/** Instances are alike. Written by hand: most of the time goes here. */
function key(state: OutageState): string {
  const { now, link, store, level, shareLevel, sinceOutage, edges, uncharged, losses, faults } = state;
  const holders = state.holders.map(keyOfHolder).sort();
  const levels = `${now},${link},${store},${level},${shareLevel},${sinceOutage},${edges},${uncharged},${losses}`;
  return `${levels};${holders};${state.late};${faults.outage},${faults.unanswered},${faults.forget}`;
}

function keyOfHolder({ shareFullAt, owed, asking }: Holder): string {
  return `${shareFullAt}-${owed}${asking === undefined ? '' : `?${asking.over}${asking.verdict ?? ''}`}`;
}
