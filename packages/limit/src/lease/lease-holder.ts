/**
 * This instance's leases and the store they come from: "Lease" and "Hand-back" in docs/4.protocols/limits.md. Units are reserved
 * before they are spent, and age from before the asking, on this process's clock.
 */
import { channel } from 'node:diagnostics_channel';
import type { Clock, Presence } from '@spillway/kernel';
import type { Decision, Verdict } from '../core/decision.ts';
import { decide } from '../decide.ts';
import type { LimitLeaseMessage } from '../messages.ts';
import type { LimitStore, Reserved, Take } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import type { LeaseSetup } from './lease-options.ts';
import { type Lease, LeaseTable, type Leftover } from './lease-table.ts';
import { isWorthReturning, leasedVerdict } from './leased-verdict.ts';

/** How the policies stood when the lease was granted, beside the take that asked for it. */
interface Terms {
  readonly granted: number;
  readonly chargedAtUs: number;
  readonly sentAtUs: number;
  readonly verdicts: readonly Verdict[];
}

/** A take on its way to the store that asks for a lease, too. */
export interface Asking {
  readonly want: number;
  readonly parts: number;
}

export interface LeaseHolderOptions {
  readonly policies: readonly Policy[];
  readonly store: Pick<LimitStore, 'refund'>;
  readonly presence: Pick<Presence, 'instances'>;
  readonly clock: Clock;
  readonly lease: LeaseSetup;
}

const leaseUnits = channel('spillway:limit:lease');

/** Leases that ended are looked for this often at most. */
const SHORTEST_PAUSE_MS = 10;

export class LeaseHolder {
  readonly #options: LeaseHolderOptions;
  readonly #leases: LeaseTable<Terms>;
  /** One for each key at a time, so that many takes of one turn ask for one lease. No more than there are unanswered commands. */
  readonly #asking = new Map<string, Asking>();
  /** Asked for, and neither answered nor failed yet. */
  readonly #unanswered = new Set<Asking>();
  readonly #returning = new Set<Promise<void>>();
  #allAnswered: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: LeaseHolderOptions) {
    this.#options = options;
    this.#leases = new LeaseTable(options.lease, ({ terms, left }) => this.#tell('spent', terms.granted - left));
  }

  /** Decides by a lease that is held here; undefined: the store has to. */
  spend(key: string, cost: number, nowUs: number): Decision | undefined {
    const lease = this.#leases.spend(key, nowUs, cost);
    return lease === undefined ? undefined : this.#decision(lease, nowUs, lease.terms.chargedAtUs);
  }

  /** How `spend` would decide. */
  peek(key: string, cost: number, nowUs: number): Decision | undefined {
    const lease = this.#leases.covering(key, nowUs, cost);
    return lease === undefined ? undefined : this.#decision(lease, nowUs);
  }

  /** What to ask for beside a take that goes to the store; undefined: nothing. To be `answered`, or `failed`. */
  ask(key: string, nowUs: number): Asking | undefined {
    if (this.#isClosed || this.#asking.has(key)) return undefined;
    const want = this.#leases.want(key, nowUs);
    if (want < 1) return undefined;
    const asking = { want, parts: 2 * Math.max(1, this.#options.presence.instances) };
    this.#asking.set(key, asking);
    this.#unanswered.add(asking);
    return asking;
  }

  /** The store has decided a take that was sent at `sentAtUs`. */
  answered(key: string, cost: number, asking: Asking | undefined, sentAtUs: number, take: Take | Reserved): void {
    const nowUs = this.#options.clock.nowUs();
    if (take.verdicts.every(({ outcome }) => outcome === 'allowed')) this.#leases.admitted(key, nowUs, cost);
    else if (take.verdicts.some(isBlocked)) this.forget(key);
    if (asking === undefined) return;
    this.#accept(key, asking, sentAtUs, take, nowUs);
    this.#settled(asking);
  }

  #accept(key: string, asking: Asking, sentAtUs: number, take: Take | Reserved, nowUs: number): void {
    const isWanted = this.#asking.get(key) === asking;
    if (isWanted) this.#asking.delete(key);
    if (!('granted' in take) || take.granted < 1) return;
    this.#tell('granted', take.granted);
    if (!isWanted) {
      this.#tell('lost', take.granted);
      return;
    }
    const { granted, atUs: chargedAtUs, verdicts, windowLeftUs } = take;
    const terms = { granted, chargedAtUs, sentAtUs, verdicts };
    const endUs = sentAtUs + Math.min(this.#options.lease.maxAgeUs, windowLeftUs);
    if (this.#isClosed || nowUs >= endUs) {
      this.#giveBack({ key, units: granted, terms }, nowUs);
      return;
    }
    const before = this.#leases.hold(key, { left: granted, sentAtUs, endUs, terms });
    if (before !== undefined) this.#giveBack(before, nowUs);
    this.#watch();
  }

  /** There was no answer: nobody spends what it may have reserved. */
  failed(key: string, asking: Asking | undefined): void {
    if (asking === undefined) return;
    if (this.#asking.get(key) === asking) this.#asking.delete(key);
    this.#settled(asking);
  }

  /** The store forgets what the key has taken: its lease ends, one that is on its way too, and nothing of it comes back. */
  forget(key: string): void {
    this.#asking.delete(key);
    this.#tell('lost', this.#leases.drop(key)?.units ?? 0);
  }

  #settled(asking: Asking): void {
    this.#unanswered.delete(asking);
    if (this.#unanswered.size === 0) this.#allAnswered?.();
  }

  /** Hands back all that is left, and what is still on its way here. Resolves when the store has answered, or not. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const nowUs = this.#options.clock.nowUs();
    for (const leftover of this.#leases.endAll()) this.#giveBack(leftover, nowUs);
    if (this.#unanswered.size > 0) await new Promise<void>((resolve) => (this.#allAnswered = resolve));
    await Promise.all(this.#returning);
  }

  #decision({ terms, left }: Lease<Terms>, nowUs: number, chargedAtUs?: number): Decision {
    const { policies } = this.#options;
    const spent = terms.granted - left;
    const passedUs = nowUs - terms.sentAtUs;
    const verdicts = policies.map((policy, at) =>
      leasedVerdict(policy, terms.verdicts[at] as Verdict, spent, passedUs),
    );
    return decide(policies, verdicts, 'lease', false, chargedAtUs);
  }

  /** Once, and nobody waits: what is lost on the way refills, or counts until its window ends. */
  #giveBack({ key, units, terms }: Leftover<Terms>, nowUs: number): void {
    const { policies, store } = this.#options;
    const passedUs = nowUs - terms.sentAtUs;
    const isWorth = policies.some((policy, at) =>
      isWorthReturning(policy, terms.verdicts[at] as Verdict, units, passedUs),
    );
    if (!isWorth) {
      this.#tell('lost', units);
      return;
    }
    const returning = store.refund(key, policies, { cost: units, takenAtUs: terms.chargedAtUs }).then(
      () => this.#tell('handed-back', units),
      () => this.#tell('lost', units),
    );
    this.#returning.add(returning);
    void returning.then(() => this.#returning.delete(returning));
  }

  #tell(what: LimitLeaseMessage['what'], units: number): void {
    if (units === 0 || !leaseUnits.hasSubscribers) return;
    const policies = this.#options.policies.map(({ name }) => name);
    leaseUnits.publish({ what, units, policies } satisfies LimitLeaseMessage);
  }

  /** Leases end, or are not used any more, with nobody there to notice. */
  #watch(): void {
    if (this.#timer !== undefined || this.#leases.held === 0 || this.#isClosed) return;
    const pauseMs = Math.max(SHORTEST_PAUSE_MS, this.#options.lease.maxAgeUs / 4000);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const nowUs = this.#options.clock.nowUs();
      for (const leftover of this.#leases.endDue(nowUs)) this.#giveBack(leftover, nowUs);
      this.#watch();
    }, pauseMs).unref();
  }
}

const isBlocked = (verdict: Verdict): boolean => verdict.outcome === 'denied' && verdict.reason === 'blocked';
