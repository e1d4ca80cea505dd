import { OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import { commandChannel, type RedisCommandMessage } from '../channels.ts';
import { type BreakerEvent, type BreakerState, INITIAL_BREAKER, transition } from '../core/breaker.ts';
import type { RedisArgument } from '../link.ts';
import { DeadlineQueues } from './deadline-queues.ts';
import type { Batch } from './deadlines.ts';
import { GatheredGets } from './gathered-gets.ts';
import type { LaneOptions } from './lane-options.ts';
import { LaneRequest } from './lane-request.ts';
import { notSent } from './not-sent.ts';
import { type Probed, Prober } from './prober.ts';
import { isRedirect, toLinkError, verdictOf } from './reply-errors.ts';
import type { Wire, WireEvents } from './request.ts';

/**
 * The way to one server: one wire, its deadlines, its breaker. Commands pass while the breaker is closed, and fail at once
 * otherwise. When it opens the socket is dropped: what a hung server would answer later is not worth reading, and what it has
 * not read yet, it will not. The breaker closes again by a probe, which goes out as soon as there is a connection.
 *
 * A server that hangs accepts connections all the same, but answers no probe. Its connection is kept for a while instead of
 * made again and again: a stopped server then has one waiting probe per client to answer, and its late answer tells
 * within one round trip that it runs again. Only a probe answered in time closes the breaker.
 */
export class Lane {
  readonly #wire: Wire;
  readonly #options: LaneOptions;
  readonly #deadlines = new DeadlineQueues<LaneRequest>(() => this.#missed());
  readonly #prober: Prober;
  #breaker: BreakerState = INITIAL_BREAKER;
  #unanswered = 0;
  #scheduled = false;
  #closed = false;
  #lastMissMs = Number.NEGATIVE_INFINITY;
  #lastDropMs = Number.NEGATIVE_INFINITY;
  readonly #waiting = new Set<() => void>();
  #lastError: unknown;
  readonly #gets = new GatheredGets();
  #gathering: (() => void)[] = [];
  readonly #flush = () => {
    if (this.#gathering.length > 0) {
      const gathering = this.#gathering;
      this.#gathering = [];
      for (const send of gathering) send();
    }
    this.#sendGets();
    this.#scheduled = false;
    this.#wire.flush();
    this.#deadlines.sent(performance.now());
    // What was gathered meanwhile found it scheduled.
    if (this.#gathering.length > 0) this.#schedule();
  };

  constructor(options: LaneOptions, createWire: (events: WireEvents) => Wire) {
    this.#options = options;
    this.#wire = createWire({
      ready: () => this.#prober.connected(),
      lost: (error) => this.#onLost(error),
    });
    this.#prober = new Prober(options.probe, options.random, this.#probed());
    if (this.#wire.ready) queueMicrotask(() => this.#prober.connected());
  }

  /** Whether commands pass. */
  get serving(): boolean {
    return this.#breaker.name === 'closed';
  }

  /** Why it does not serve, as far as known. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Commands that the server has not answered, those past their deadline included. */
  get unanswered(): number {
    return this.#unanswered;
  }

  send(
    name: string,
    args: readonly RedisArgument[],
    operation: string,
    deadlineMs: number | undefined,
    binary: boolean,
  ): Promise<unknown> {
    const refusal = this.#refusal(operation);
    if (refusal !== undefined) return refusal;
    return new Promise((resolve, reject) => {
      const request = new LaneRequest(this, name, args, operation, binary, resolve, reject);
      this.#push(request, deadlineMs ?? this.#options.deadlineMs);
    });
  }

  /** GET, together with the others of this turn, after whatever else is sent in it. */
  get(key: string): Promise<string | null> {
    const refusal = this.#refusal('GET');
    if (refusal !== undefined) return refusal;
    this.#schedule();
    return this.#gets.add(key);
  }

  /** Calls `send` when this turn's commands are about to leave: what it sends leaves with them. */
  gather(send: () => void): void {
    this.#gathering.push(send);
    this.#schedule();
  }

  /** Waits for the lane to serve, `timeoutMs` at most. Never rejects: `send` says what is wrong. */
  untilServing(timeoutMs: number): Promise<void> {
    if (this.serving || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }

  /** The store said, or a sibling connection found, that this one is of no use: cut it and start over. */
  drop(error: unknown): void {
    this.#lastError = error;
    this.#event('lost');
    this.#wire.drop();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#prober.close();
    for (const done of this.#waiting) done();
    await this.#wire.close();
    this.#deadlines.stop();
    this.#event('lost');
  }

  #push(request: LaneRequest, deadlineMs: number): void {
    this.#unanswered += 1;
    request.queue = this.#deadlines.of(deadlineMs);
    request.batch = request.queue.add(request);
    this.#wire.send(request);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  #sendGets(): void {
    for (let command = this.#gets.take(); command !== undefined; command = this.#gets.take()) {
      const { name, keys, answer, fail } = command;
      try {
        this.#push(new LaneRequest(this, name, keys, 'GET', false, answer, fail), this.#options.deadlineMs);
      } catch (error) {
        // Nobody is there to catch it: this runs by itself.
        fail(error);
      }
    }
  }

  /** Why nothing may be sent now; undefined when it may. */
  #refusal(operation: string): Promise<never> | undefined {
    if (this.#breaker.name !== 'closed') return this.#refuse(operation, this.#lastError, 'is down');
    const { maxPending } = this.#options;
    if (this.#unanswered + this.#gets.size < maxPending) return undefined;
    const full = new OverloadedError('The pipeline of unanswered commands', maxPending);
    return this.#refuse(operation, full, 'has too much to answer');
  }

  #refuse(operation: string, cause: unknown, detail: string): Promise<never> {
    if (commandChannel.hasSubscribers) this.#publish(operation, 'refused', 0);
    return Promise.reject(notSent(operation, cause, detail));
  }

  #publish(operation: string, outcome: RedisCommandMessage['outcome'], durationMs: number): void {
    commandChannel.publish({ link: this.#options.link, operation, outcome, durationMs } satisfies RedisCommandMessage);
  }

  /** @internal The server has answered, perhaps after the caller was. */
  answered(request: LaneRequest, reply: unknown): void {
    this.#unanswered -= 1;
    if (request.settled) {
      request.onLate?.();
      return;
    }
    request.settled = true;
    request.queue?.settle(request.batch as Batch<LaneRequest>);
    if (this.#breaker.name === 'closed' && this.#breaker.misses !== 0) this.#event('success');
    if (commandChannel.hasSubscribers) this.#ended(request, 'ok');
    request.resolve(reply);
  }

  /** @internal The server, or the client, said no. */
  failed(request: LaneRequest, error: unknown): void {
    const { redirect } = this.#options;
    if (redirect !== undefined && !request.settled && error instanceof Error && isRedirect(error.message)) {
      if (redirect(request)) return;
    }
    this.#unanswered -= 1;
    const known = toLinkError(request.operation, error, this.#options.user);
    this.#heed(error);
    if (request.settled) {
      request.onLate?.();
      return;
    }
    request.settled = true;
    request.queue?.settle(request.batch as Batch<LaneRequest>);
    // Any answer of the server proves that it answers, a refusal too.
    const lost = known instanceof StoreUnavailableError;
    if (!lost && this.#breaker.name === 'closed' && this.#breaker.misses !== 0) this.#event('success');
    if (commandChannel.hasSubscribers) this.#ended(request, lost ? 'lost' : 'error');
    request.reject(known);
  }

  /** What a refusal says about the server, rather than about the command. */
  #heed(error: unknown): void {
    const verdict = verdictOf(error);
    if (verdict === 'not-yet') {
      this.#lastError = error;
      this.#event('lost');
      this.#prober.later();
    } else if (verdict === 'wrong-server') {
      // Not at each refused write: the server may be a replica for good, whose reads are wanted.
      const nowMs = performance.now();
      if (nowMs - this.#lastDropMs < 1_000) return;
      this.#lastDropMs = nowMs;
      this.drop(error);
    }
  }

  /** @internal Its deadline has passed: the caller is told; the server's answer, if any, is dropped when it comes. */
  expired(request: LaneRequest, deadlineMs: number): void {
    request.settled = true;
    if (commandChannel.hasSubscribers) this.#ended(request, 'deadline');
    request.reject(new StoreUnavailableError(request.operation, undefined, `did not answer within ${deadlineMs} ms`));
  }

  #ended(request: LaneRequest, outcome: RedisCommandMessage['outcome']): void {
    const sentAtMs = request.batch?.sentAtMs ?? 0;
    this.#publish(request.operation, outcome, sentAtMs === 0 ? 0 : performance.now() - sentAtMs);
  }

  // Under load there is a sweep each millisecond, and one hiccup of the server would be as many misses as the breaker takes.
  // Misses count when they are a part of the deadline apart: a server that hangs is found half a deadline later.
  #missed(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastMissMs < this.#options.deadlineMs / 4) return;
    this.#lastMissMs = nowMs;
    this.#event('miss');
  }

  #event(event: BreakerEvent): void {
    const before = this.#breaker;
    this.#breaker = transition(before, event);
    if (before.name === this.#breaker.name) return;
    if (before.name === 'closed' && event === 'miss') {
      this.#lastError = new Error('The last commands got no answer within their deadline');
      this.#wire.drop();
      this.#prober.later();
    }
    if (before.name === 'closed') this.#options.onServing(false);
    if (this.#breaker.name !== 'closed') return;
    this.#options.onServing(true);
    for (const done of this.#waiting) done();
  }

  #probed(): Probed {
    return {
      failures: () => (this.#breaker.name === 'closed' ? 1 : this.#breaker.failures),
      mayProbe: () => {
        if (!this.#wire.ready) return false;
        this.#event('probe');
        return this.#breaker.name === 'half-open';
      },
      sendProbe: (name, onAnswered, onLate) =>
        new Promise((resolve, reject) => {
          const request = new LaneRequest(this, name, [], name, false, resolve, reject);
          request.onAnswered = onAnswered;
          request.onLate = onLate;
          this.#push(request, this.#options.probeDeadlineMs);
        }),
      passed: () => this.#event('probe-succeeded'),
      failed: (error) => {
        this.#lastError = error;
        this.#event('probe-failed');
      },
      drop: () => this.#wire.drop(),
    };
  }

  #onLost(error: unknown): void {
    this.#prober.disconnected();
    this.#lastError = error ?? this.#lastError ?? new Error('The connection was closed');
    this.#event('lost');
  }
}
