import type { BusFrame } from './bus-frames.ts';

/**
 * The receiving half of the bus protocol: may this instance have missed a message?
 *
 * Every publisher numbers its messages and repeats its last number in a beat every 50 ms. A receiver is **live** while
 *
 * 1. its subscription is whole, and has been for long enough to have heard a beat of every publisher there is (`settling`);
 * 2. its *own* beats come back: this proves the whole path through the store, with no other instance needed;
 * 3. every publisher that it knows was heard within `QUIET_MS`. One that is silent may be publishing what does not arrive,
 *    or be cut off from the store while it goes on writing.
 *
 * A **gap** is reported when messages were, or may have been, missed: a number was skipped, or a beat names a number that was
 * not seen; a publisher turns up that has already published; or the subscription was away (reported once it has settled
 * again, so that one report covers all that was missed before it). Silence alone is no gap: when the publisher is heard
 * again, its numbers prove that nothing was missed, or that something was.
 *
 * A publisher that says good-bye is forgotten at once; one that fell silent after `FORGET_MS`, until which nobody who knew it
 * is live. That is the limit of what can be known: a publisher that is cut off from the store for longer, but not from the
 * database, changes data without anyone noticing before it is back (its numbers then show the gap). Caches bound that by the
 * time to live of their first tier.
 *
 * Numbers may arrive late, after a gap was reported for them (a publisher's old connection, drained after its new one): such a
 * message is delivered. Nothing is ever sent twice, so what is delivered is delivered once.
 */
export const BEAT_MS = 50;

/** Two beats, and half a one for the way. */
export const QUIET_MS = 125;

/** How long a silent publisher holds back its receivers' liveness. */
export const FORGET_MS = 10_000;

/** Publishers remembered; beyond it the one silent for longest is forgotten (G7). */
const MAX_PEERS = 1_000;

export type GapReason = 'subscribed' | 'skipped' | 'unknown-publisher';

export interface Received {
  /** A message for the subscribers of its topic. */
  readonly deliver?: { readonly topic: string; readonly text: string };
  readonly gap?: GapReason;
}

interface Peer {
  last: number;
  heardMs: number;
}

const NOTHING: Received = {};

export class BusReceiver {
  readonly #self: string;
  readonly #peers = new Map<string, Peer>();
  #phase: 'broken' | 'settling' | 'whole' = 'broken';
  #settledMs = 0;
  #echoMs = Number.NEGATIVE_INFINITY;
  /** Nothing known makes it less than live before then. A bound from below: peers are heard again meanwhile. */
  #liveUntilMs = Number.NEGATIVE_INFINITY;

  constructor(self: string) {
    this.#self = self;
  }

  get peers(): number {
    return this.#peers.size;
  }

  /** Milliseconds since the own beat last came back; infinite if it has not since the subscription began. */
  echoAgeMs(nowMs: number): number {
    return nowMs - this.#echoMs;
  }

  live(nowMs: number): boolean {
    if (this.#phase !== 'whole') return false;
    if (nowMs <= this.#liveUntilMs) return true;
    let heardMs = this.#echoMs;
    for (const peer of this.#peers.values()) heardMs = Math.min(heardMs, peer.heardMs);
    this.#liveUntilMs = heardMs + QUIET_MS;
    return nowMs <= this.#liveUntilMs;
  }

  broken(): void {
    this.#phase = 'broken';
    this.#liveUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** Every message arrives from now on. What is known of the publishers is of no use: it starts afresh. */
  subscribed(nowMs: number): void {
    this.#phase = 'settling';
    this.#settledMs = nowMs + QUIET_MS;
    this.#echoMs = Number.NEGATIVE_INFINITY;
    this.#liveUntilMs = Number.NEGATIVE_INFINITY;
    this.#peers.clear();
  }

  receive(frame: BusFrame, nowMs: number): Received {
    if (this.#phase === 'broken') return NOTHING;
    if (frame.publisher === this.#self) {
      if (frame.kind === 'beat') this.#hearSelf(nowMs);
      return NOTHING;
    }
    const gap = this.#follow(frame, nowMs);
    const deliver = frame.kind === 'message' ? { topic: frame.topic, text: frame.text } : undefined;
    if (gap === undefined && deliver === undefined) return NOTHING;
    return { ...(deliver === undefined ? {} : { deliver }), ...(gap === undefined ? {} : { gap }) };
  }

  /** To be called every `BEAT_MS`. Says whether the subscription has just settled, which is a gap: see above. */
  tick(nowMs: number): GapReason | undefined {
    for (const [publisher, peer] of this.#peers) {
      if (nowMs - peer.heardMs > FORGET_MS) this.#peers.delete(publisher);
    }
    if (this.#phase !== 'settling' || nowMs < this.#settledMs || this.echoAgeMs(nowMs) > QUIET_MS) return undefined;
    this.#phase = 'whole';
    return 'subscribed';
  }

  #hearSelf(nowMs: number): void {
    // The way has just opened, perhaps for all: only from now on do the others' beats tell who there is.
    if (this.#phase === 'settling' && this.echoAgeMs(nowMs) > QUIET_MS) this.#settledMs = nowMs + QUIET_MS;
    this.#echoMs = nowMs;
  }

  /** Takes in a publisher's number. */
  #follow(frame: BusFrame, nowMs: number): GapReason | undefined {
    const number = frame.kind === 'message' ? frame.seq : frame.last;
    // What the publisher had published before this frame.
    const before = frame.kind === 'message' ? number - 1 : number;
    const peer = this.#peers.get(frame.publisher);
    let gap: GapReason | undefined;
    if (peer === undefined) {
      if (before > 0 && this.#phase === 'whole') gap = 'unknown-publisher';
      if (frame.kind !== 'bye') this.#remember(frame.publisher, { last: number, heardMs: nowMs });
      return gap;
    }
    if (before > peer.last && this.#phase === 'whole') gap = 'skipped';
    peer.last = Math.max(peer.last, number);
    peer.heardMs = nowMs;
    if (frame.kind === 'bye') this.#peers.delete(frame.publisher);
    return gap;
  }

  #remember(publisher: string, peer: Peer): void {
    if (this.#peers.size >= MAX_PEERS) {
      let oldest: string | undefined;
      let heardMs = Number.POSITIVE_INFINITY;
      for (const [name, { heardMs: at }] of this.#peers) if (at < heardMs) [oldest, heardMs] = [name, at];
      if (oldest !== undefined) this.#peers.delete(oldest);
    }
    this.#peers.set(publisher, peer);
  }
}
