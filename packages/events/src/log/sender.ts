import { monotonicClock, type Random } from '@spillway/kernel';
import type { Batch, BatchId } from '../batch.ts';
import { tell } from '../channels.ts';
import { floorOf, forget, raiseFloor, type Slot, settle, toSend } from '../core/window.ts';
import type { Spool } from '../spool/spool.ts';
import type { EventTransport } from '../transport.ts';
import type { Watermark, WatermarkSource } from '../watermarks.ts';
import { createAlarmClock } from './alarm-clock.ts';
import { createBackoff } from './backoff.ts';

interface SentSlot extends Slot {
  readonly batch: Batch;
  readonly sends: number;
}

export interface SenderOptions {
  readonly log: string;
  readonly of: Omit<BatchId, 'seq'>;
  readonly spool: Spool;
  readonly transport: EventTransport;
  readonly watermarks: WatermarkSource;
  /** How long the watermark may stand still before the transport is asked what it still holds. */
  readonly stallMs: number;
  /** The sink committed these. `deadLettered`: how many of their events went aside instead. */
  readonly onSettled: (batches: readonly Batch[], deadLettered: number) => void;
  readonly random?: Random;
}

/** In the window: as much as one producer may have in the transport at a time. */
export const WINDOW = { batches: 256, bytes: 4 * 1024 * 1024 };
/** Batches per call of `send`. */
const SEND_BATCHES = 64;
/** Polls of the watermark: the pace with a full window (a backlog), the usual one, and the slowest, when nothing moves. */
const POLL_MS = { backlog: 50, usual: 250, idle: 1_000 };

const nowMs = (): number => monotonicClock.nowUs() / 1000;

/** Takes the batches of one epoch from its spool through the transport until the watermark has passed them. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #alarm = createAlarmClock();
  readonly #sendBackoff;
  readonly #stallBackoff;
  readonly #stopHints: () => void;
  #slots: SentSlot[] = [];
  #bytes = 0;
  #mark: Watermark;
  #lastSeq = 0;
  #lastSend: 'answered' | 'unknown' = 'answered';
  #sendAt = 0;
  #pollAt = 0;
  #pollMs = POLL_MS.usual;
  #checkAt = 0;
  #running = true;
  #done: Promise<void> = Promise.resolve();
  #resent = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#mark = { ...options.of, seq: 0, counted: 0, deadLettered: 0 };
    this.#sendBackoff = createBackoff(100, 2_000, options.random);
    this.#stallBackoff = createBackoff(options.stallMs, options.stallMs * 10, options.random);
    this.#stopHints = options.transport.onCommitted((marks) => {
      for (const mark of marks) if (this.#isMine(mark)) this.#advance(mark);
      this.#alarm.ring();
    });
  }

  get watermark(): number {
    return this.#mark.seq;
  }

  get inFlight(): number {
    return this.#slots.length;
  }

  get resent(): number {
    return this.#resent;
  }

  /** When the oldest batch in the window was made; undefined without one. */
  get oldestAtMs(): number | undefined {
    return this.#slots[0]?.batch.atMs;
  }

  /** `startAfter`: nothing is sent before it resolves. */
  start(startAfter: Promise<void> = Promise.resolve()): void {
    this.#done = startAfter.then(() => this.#run());
  }

  /** A batch was appended to the spool; it goes straight on if there is room and nothing older waits on disk. */
  appended(batch: Batch): void {
    if (this.#hasRoom() && this.#options.spool.passOver(batch)) this.#admit([batch]);
    this.#alarm.ring();
  }

  /** Reads the watermark before anything is sent, so that a dead producer's committed batches are not sent again. Rejects when it can not be read. */
  async catchUp(): Promise<void> {
    this.#advance(await this.#readMark());
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#stopHints();
    this.#alarm.ring();
    await this.#done;
  }

  async #run(): Promise<void> {
    while (this.#running) {
      await this.#fill();
      if (nowMs() >= this.#sendAt) await this.#send();
      if (this.#slots.length > 0 && nowMs() >= this.#pollAt) await this.#poll();
      await this.#alarm.sleep(this.#untilNextStep());
    }
  }

  #untilNextStep(): number {
    const unsent = this.#slots.some((slot) => slot.receipt === undefined);
    const waiting = this.#slots.length > 0;
    if (!waiting && this.#options.spool.unread === 0) return 2 ** 31 - 1;
    const next = Math.min(unsent ? this.#sendAt : Number.POSITIVE_INFINITY, waiting ? this.#pollAt : this.#sendAt);
    return Math.max(0, next - nowMs());
  }

  #hasRoom(): boolean {
    return this.#slots.length < WINDOW.batches && this.#bytes < WINDOW.bytes;
  }

  #admit(batches: readonly Batch[]): void {
    for (const batch of batches) {
      if (batch.seq <= this.#mark.seq || batch.seq <= this.#lastSeq) continue;
      if (!this.#isMine(batch)) continue;
      if (this.#slots.length === 0) this.#pollAt = nowMs() + this.#pollMs;
      this.#slots.push({ seq: batch.seq, receipt: undefined, floorSent: -1, batch, sends: 0 });
      this.#bytes += batch.frame.length;
      this.#lastSeq = batch.seq;
    }
  }

  async #fill(): Promise<void> {
    const { spool, log } = this.#options;
    try {
      while (this.#running && spool.unread > 0 && this.#hasRoom()) {
        this.#admit(await spool.read(WINDOW.bytes - this.#bytes));
      }
    } catch (error) {
      this.#sendAt = nowMs() + this.#sendBackoff.next();
      tell.retry(() => ({ log, what: 'spool', error }));
    }
  }

  async #send(): Promise<void> {
    const { transport, log } = this.#options;
    for (;;) {
      const slots = toSend(this.#slots, this.#lastSend, SEND_BATCHES);
      if (slots.length === 0 || !this.#running) return;
      const floor = floorOf(this.#slots, this.#lastSeq);
      try {
        const receipts = await transport.send(slots.map(({ batch }) => ({ floor, frame: batch.frame })));
        this.#sent(slots, receipts, floor);
      } catch (error) {
        this.#lastSend = 'unknown';
        this.#sendAt = nowMs() + this.#sendBackoff.next();
        tell.retry(() => ({ log, what: 'send', error }));
        return;
      }
    }
  }

  #sent(slots: readonly SentSlot[], receipts: readonly string[], floor: number): void {
    const { log } = this.#options;
    this.#lastSend = 'answered';
    this.#sendBackoff.reset();
    const bySeq = new Map(slots.map((slot, index) => [slot.seq, receipts[index]]));
    this.#slots = this.#slots.map((slot) =>
      bySeq.has(slot.seq) ? { ...slot, receipt: bySeq.get(slot.seq), floorSent: floor, sends: slot.sends + 1 } : slot,
    );
    this.#checkAt = Math.max(this.#checkAt, nowMs() + this.#options.stallMs);
    for (const { batch, sends } of slots) {
      if (sends > 0) this.#resent += 1;
      tell.batch(() => ({
        log,
        ...this.#options.of,
        seq: batch.seq,
        stage: sends > 0 ? 'resent' : 'sent',
        events: batch.events,
        bytes: batch.frame.length,
      }));
    }
  }

  async #poll(): Promise<void> {
    const { log, transport } = this.#options;
    const before = this.#mark.seq;
    const floorBefore = floorOf(this.#slots, this.#lastSeq);
    try {
      const mark = await this.#readMark();
      this.#advance(mark);
      // Compared with the floor from before the question: what the sink told meanwhile makes the answer old, not the floor wrong.
      if (mark.seq < floorBefore) this.#slots = raiseFloor(this.#slots, mark.seq);
      const moved = this.#mark.seq > before;
      this.#pollMs = !moved
        ? Math.min(this.#pollMs * 2, POLL_MS.idle)
        : this.#options.spool.unread > 0
          ? POLL_MS.backlog
          : POLL_MS.usual;
      if (!moved && nowMs() >= this.#checkAt) {
        this.#checkAt = nowMs() + this.#stallBackoff.next();
        const missing = await findMissing(
          transport,
          this.#slots.flatMap(({ receipt }) => receipt ?? []),
        );
        this.#slots = forget(this.#slots, missing);
      }
    } catch (error) {
      this.#pollMs = POLL_MS.idle;
      tell.retry(() => ({ log, what: 'watermark', error }));
    }
    this.#pollAt = nowMs() + this.#pollMs;
  }

  async #readMark(): Promise<Watermark> {
    const marks = await this.#options.watermarks.read([this.#options.of]);
    return marks.find((mark) => this.#isMine(mark)) ?? { ...this.#options.of, seq: 0, counted: 0, deadLettered: 0 };
  }

  #isMine({ producer, epoch }: Omit<BatchId, 'seq'>): boolean {
    return producer === this.#options.of.producer && epoch === this.#options.of.epoch;
  }

  #advance(mark: Watermark): void {
    if (mark.seq <= this.#mark.seq) return;
    const { settled, slots } = settle(this.#slots, mark.seq);
    this.#slots = slots;
    for (const { batch } of settled) this.#bytes -= batch.frame.length;
    const deadLettered = mark.deadLettered - this.#mark.deadLettered;
    this.#mark = mark;
    this.#checkAt = nowMs() + this.#options.stallMs;
    this.#stallBackoff.reset();
    this.#options.onSettled(
      settled.map(({ batch }) => batch),
      deadLettered,
    );
  }
}

/** The oldest first: while the transport still has that one, the sink is slow or away, and the others can wait. */
async function findMissing(transport: EventTransport, receipts: readonly string[]): Promise<ReadonlySet<string>> {
  if (receipts.length === 0) return new Set();
  const oldest = await transport.missing(receipts.slice(0, 1));
  return oldest.size === 0 ? oldest : transport.missing(receipts);
}
