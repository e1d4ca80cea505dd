/**
 * Leases of docs/4.protocols/limits.md as a model: two holders that reserve, spend, let lapse and hand back, commands that are late or
 * lost, answers that are lost, holders that are killed, and a store that forgets. All in whole ticks.
 *
 * "Over any interval" needs no history of intervals: a level that leaks at the policy's rate and rises with each admission stays
 * within a bound exactly when all intervals do. A second, stricter check keeps for every tick what was reserved then and *spent* at
 * any time later: those alone have to fit the bare policy, as if what was handed back had never been reserved.
 */
import type { Model, ModelStep } from '@spillway/testkit';
import { type BucketSize, charge, fits, giveBack, left } from './bucket.ts';

interface HandBack {
  readonly tokens: number;
  /** The store's time at the reserve: the tokens' age there, and the window they belong to. */
  readonly chargedAt: number;
  /** For the variant that ages by it; the protocol has no use for it. */
  readonly debtEnd: number;
}

/** What a holder may spend, up to and with the tick `until`. */
interface Lease extends HandBack {
  readonly until: number;
}

interface Asking {
  readonly sentAt: number;
  /** Set once the store has run it: the answer is on its way. */
  readonly answer?: HandBack;
}

interface Holder {
  readonly lease?: Lease;
  readonly asking?: Asking;
}

export interface LeaseState {
  readonly now: number;
  /** Bucket: when it is full again. Window: what is taken in the present one. */
  readonly store: number;
  readonly holders: readonly Holder[];
  /** Reserves that nobody waits for any more, and hand-backs that nobody ever waits for: each may run, once, at any time. */
  readonly lateReserves: number;
  readonly backs: readonly HandBack[];
  /** Admissions: ticks of debt in a bucket, tokens of the present window. */
  readonly level: number;
  /** By the tick of their reserve: tokens that were spent. */
  readonly spent: readonly number[];
  readonly losses: number;
  readonly starved: boolean;
  readonly faults: Readonly<Record<LeaseFault, number>>;
}

export type LeaseFault = 'lost' | 'kill' | 'forget';

export type LeaseVariant =
  | 'sound'
  | 'spend before reserve'
  | 'age counted from the reply'
  | 'lease that survives its window'
  | 'hand-back retried'
  | 'hand-back without its window'
  | 'hand-back without its age'
  | 'hand-back aged by the end of the debt'
  | 'handed back and kept'
  | 'lost reply taken for a grant'
  | 'lease without regard to the others';

export interface LeaseModelOptions {
  readonly strategy: 'bucket' | 'window';
  readonly size: BucketSize;
  /** Length of a window; a bucket has none. */
  readonly windowTicks?: number;
  readonly maxAge: number;
  /** Tokens asked for beyond the take's own. */
  readonly want: number;
  /** A lease is at most what is left, divided by this: 1 lets them be as large as can be, 2 x holders is the protocol. */
  readonly parts: number;
  /** Whether a refusal while much lies unspent is a violation, too: it is with the protocol's parts alone. */
  readonly starvation?: 'ignored' | 'checked';
  readonly ticks: number;
  readonly faults?: Partial<Record<LeaseFault, number>>;
  readonly variant?: LeaseVariant;
}

export function leaseModel(options: LeaseModelOptions): Model<LeaseState> {
  const { strategy, size, windowTicks = 1, maxAge, want, ticks, starvation = 'ignored', variant = 'sound' } = options;
  const isBucket = strategy === 'bucket';
  const parts = variant === 'lease without regard to the others' ? 1 : options.parts;
  const windowOf = (tick: number): number => Math.floor(tick / windowTicks);
  const unit = isBucket ? size.tokenTicks : 1;

  const free = (state: LeaseState): number =>
    isBucket ? left(size, state.store, state.now) : size.capacity - state.store;
  const charged = (state: LeaseState, tokens: number): LeaseState => ({
    ...state,
    store: isBucket ? charge(size, state.store, state.now, tokens) : state.store + tokens,
  });

  /** What the store does to a reserve: the take itself, and beyond it a part of what is left. */
  function reserve(state: LeaseState): { readonly state: LeaseState; readonly tokens: number } | undefined {
    if (isBucket ? !fits(size, state.store, state.now, 1) : state.store >= size.capacity) return undefined;
    const taken = charged(state, 1);
    const tokens = Math.min(want, Math.floor(free(taken) / parts));
    return { state: charged(taken, tokens), tokens };
  }

  function runBack(state: LeaseState, { tokens, chargedAt, debtEnd }: HandBack): LeaseState {
    const { now, store } = state;
    if (!isBucket) {
      const sameWindow = windowOf(chargedAt) === windowOf(now) || variant === 'hand-back without its window';
      return sameWindow ? { ...state, store: Math.max(0, store - tokens) } : state;
    }
    if (variant === 'hand-back without its age')
      return { ...state, store: Math.max(now, store - tokens * size.tokenTicks) };
    if (variant === 'hand-back aged by the end of the debt') {
      const credit = Math.max(0, Math.min(tokens * size.tokenTicks, debtEnd - now));
      return { ...state, store: Math.max(now, store - credit) };
    }
    return { ...state, store: giveBack(size, store, now, tokens, chargedAt) };
  }

  const admit = (state: LeaseState, chargedAt: number): LeaseState => ({
    ...state,
    level: state.level + unit,
    spent: state.spent.with(chargedAt, (state.spent[chargedAt] ?? 0) + 1),
  });

  function untilOf(sentAt: number, chargedAt: number, arrivedAt: number): number {
    const from = variant === 'age counted from the reply' ? arrivedAt : sentAt;
    const windowLeft = (windowOf(chargedAt) + 1) * windowTicks - chargedAt;
    if (isBucket || variant === 'lease that survives its window') return from + maxAge;
    return from + Math.min(maxAge, windowLeft - 1);
  }

  const become = (state: LeaseState, at: number, holder: Holder): LeaseState => ({
    ...state,
    holders: state.holders.with(at, holder),
  });
  const fail = (state: LeaseState, fault: LeaseFault): LeaseState => ({
    ...state,
    faults: { ...state.faults, [fault]: state.faults[fault] - 1 },
  });
  const without = ({ lease }: Holder): Holder => (lease === undefined ? {} : { lease });

  function* askingSteps(state: LeaseState, at: number, who: string): Generator<ModelStep<LeaseState>> {
    const me = state.holders[at] as Holder;
    if (me.asking === undefined) {
      const asking = { sentAt: state.now };
      if (variant === 'spend before reserve') {
        const lease = { tokens: want, chargedAt: state.now, debtEnd: 0, until: state.now + maxAge };
        yield { name: `${who} asks for a lease and counts on it`, next: become(state, at, { asking, lease }) };
      } else {
        // With a lease, too: for a take whose cost it does not cover.
        yield { name: `${who} asks for a lease`, next: become(state, at, { ...me, asking }) };
      }
      return;
    }
    const { sentAt, answer } = me.asking;
    if (answer === undefined) {
      const granted = reserve(state);
      if (granted === undefined) {
        const live = state.holders.reduce((sum, { lease }) => {
          return lease !== undefined && lease.until >= state.now ? sum + lease.tokens : sum;
        }, 0);
        const starved = starvation === 'checked' && live * 2 > size.capacity;
        yield { name: `the store refuses ${who}`, next: become({ ...state, starved }, at, without(me)) };
      } else {
        const { tokens } = granted;
        const name = `the store grants ${who} its take and ${tokens}`;
        const debtEnd = variant === 'hand-back aged by the end of the debt' ? granted.state.store : 0;
        const next = admit(granted.state, state.now);
        const answered: Asking = { sentAt, answer: { tokens, chargedAt: state.now, debtEnd } };
        const isLeaseless = tokens === 0 || variant === 'spend before reserve';
        yield { name, next: become(next, at, isLeaseless ? without(me) : { ...me, asking: answered }) };
      }
    } else {
      const until = untilOf(sentAt, answer.chargedAt, state.now);
      const backs = me.lease === undefined ? state.backs : [...state.backs, backOf(me.lease)];
      const next = become({ ...state, backs }, at, { lease: { ...answer, until } });
      if (backs.length <= 2) yield { name: `${who} hears of its lease, and hands back what it had`, next };
    }
    if (state.faults.lost > 0) {
      const failed = fail(state, 'lost');
      const late = answer === undefined ? failed.lateReserves + 1 : failed.lateReserves;
      const name = answer === undefined ? `${who} gives up, the reserve is under way` : `${who}'s answer is lost`;
      const lease = { tokens: want, chargedAt: state.now, debtEnd: 0, until: sentAt + maxAge };
      const next = variant === 'lost reply taken for a grant' ? { lease } : without(me);
      yield { name, next: become({ ...failed, lateReserves: late }, at, next) };
    }
  }

  function* leaseSteps(state: LeaseState, at: number, who: string): Generator<ModelStep<LeaseState>> {
    const me = state.holders[at] as Holder;
    const { lease } = me;
    if (lease === undefined) return;
    const { asking } = me;
    const rest: Holder = asking === undefined ? {} : { asking };
    if (lease.until >= state.now) {
      const tokens = lease.tokens - 1;
      const next = admit(state, lease.chargedAt);
      yield {
        name: `${who} spends one`,
        next: become(next, at, tokens > 0 ? { ...me, lease: { ...lease, tokens } } : rest),
      };
    } else {
      yield { name: `${who}'s lease is over`, next: become(state, at, rest) };
    }
    const back = backOf(lease);
    // At most two under way: more of them keep the space from ending, and show nothing that two do not.
    const sent = [...state.backs, back, ...(variant === 'hand-back retried' ? [back] : [])];
    const kept = variant === 'handed back and kept' ? me : rest;
    if (sent.length <= 2) {
      yield { name: `${who} hands ${back.tokens} back`, next: become({ ...state, backs: sent }, at, kept) };
    }
  }

  function* steps(state: LeaseState): Generator<ModelStep<LeaseState>> {
    if (state.now < ticks) {
      const now = state.now + 1;
      const turned = !isBucket && windowOf(now) !== windowOf(state.now);
      const level = isBucket ? Math.max(0, state.level - 1) : turned ? 0 : state.level;
      yield { name: `it is ${now}`, next: { ...state, now, level, store: turned ? 0 : state.store } };
    }
    for (const [at, holder] of state.holders.entries()) {
      const who = 'AB'.charAt(at);
      yield* askingSteps(state, at, who);
      yield* leaseSteps(state, at, who);
      if (state.faults.kill > 0 && (holder.lease !== undefined || holder.asking !== undefined)) {
        const underWay = holder.asking !== undefined && holder.asking.answer === undefined ? 1 : 0;
        const next = { ...fail(state, 'kill'), lateReserves: state.lateReserves + underWay };
        yield { name: `${who} is killed`, next: become(next, at, {}) };
      }
    }
    if (state.lateReserves > 0) {
      const rest = { ...state, lateReserves: state.lateReserves - 1 };
      yield { name: 'late: a reserve runs', next: reserve(rest)?.state ?? rest };
    }
    for (const [index, back] of state.backs.entries()) {
      const rest = { ...state, backs: state.backs.toSpliced(index, 1) };
      yield { name: `a hand-back of ${back.tokens} runs`, next: runBack(rest, back) };
    }
    if (state.faults.forget > 0) {
      const next = { ...fail(state, 'forget'), losses: state.losses + 1, store: 0 };
      yield { name: 'the store forgets everything', next };
    }
  }

  /** The first interval of reserves whose spent tokens do not fit the bare policy. */
  function tokensCreated(state: LeaseState): boolean {
    let level = 0;
    for (const [tick, tokens] of state.spent.entries()) {
      if (tick > 0) level = isBucket ? Math.max(0, level - 1) : windowOf(tick) === windowOf(tick - 1) ? level : 0;
      level += tokens * unit;
      if (level > size.capacity * unit) return true;
    }
    return false;
  }

  return {
    initial: {
      now: 0,
      store: 0,
      holders: [{}, {}],
      lateReserves: 0,
      backs: [],
      level: 0,
      spent: Array.from({ length: ticks + 1 }, () => 0),
      losses: 0,
      starved: false,
      faults: { lost: 0, kill: 0, forget: 0, ...options.faults },
    },
    steps,
    invariant(state) {
      // Without leases the limiter is exact, and a window's leases die with it: neither has anything to add.
      const leased = isBucket && want > 0 ? maxAge : 0;
      const bound = size.capacity * unit + leased + state.losses * size.capacity * unit;
      if (state.level > bound) return `G2: admitted ${state.level}, the bound is ${bound}`;
      if (state.losses === 0 && tokensCreated(state))
        return 'G2: more was reserved and spent than the policy has: tokens were created';
      if (state.starved) return 'refused, though more than half of the capacity lies unspent in leases';
      return undefined;
    },
    key,
  };
}

const backOf = ({ tokens, chargedAt, debtEnd }: Lease): HandBack => ({ tokens, chargedAt, debtEnd });

/** Holders are alike, and hand-backs have no order. */
function key(state: LeaseState): string {
  const holders = state.holders.map(keyOfHolder).sort();
  const backs = state.backs.map(({ tokens, chargedAt, debtEnd }) => `${tokens}@${chargedAt}:${debtEnd}`).sort();
  const { lost, kill, forget } = state.faults;
  const counts = `${state.now},${state.store},${state.level},${state.lateReserves},${state.losses},${state.starved}`;
  return `${counts};${holders};${backs};${state.spent};${lost},${kill},${forget}`;
}

function keyOfHolder({ lease, asking }: Holder): string {
  const held = lease === undefined ? '-' : `${lease.tokens}@${lease.chargedAt}:${lease.debtEnd}<${lease.until}`;
  if (asking === undefined) return held;
  const { sentAt, answer } = asking;
  return `${held}?${sentAt}${answer === undefined ? '' : `=${answer.tokens}@${answer.chargedAt}:${answer.debtEnd}`}`;
}
