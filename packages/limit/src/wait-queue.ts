/**
 * Queue mode: calls that wait until their limit lets them through, for each key in the order in which they came. Only the first
 * of a key asks, then sleeps for as long as it was told to; the others sleep behind it.
 */
import { MAX_TIMER_MS, OverloadedError } from '@spillway/kernel';
import { tellOfBound } from './bounds.ts';
import type { Decision } from './core/decision.ts';
import { LimiterClosedError } from './errors.ts';

export interface WaitRequest {
  readonly cost: number;
  readonly id: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** How long at most; Infinity for as long as it takes. */
  readonly maxWaitMs: number;
}

export interface WaitQueue {
  /** The decision that let it through, or the refusal that no waiting ends within `maxWaitMs`. */
  wait(key: string, request: WaitRequest): Promise<Decision>;
  /** Something may have come back: the first of this key asks again now. */
  wake(key: string): void;
  /** Ends all waits. */
  close(): void;
}

export interface WaitQueueOptions {
  take(key: string, cost: number, id: string | undefined): Promise<Decision>;
  /** Of a take that nobody waits for any more. */
  giveBack(key: string, cost: number, id: string | undefined, decision: Decision): void;
  /** Waiting at once, of all keys together. */
  readonly maxWaiting: number;
  /** Asks again after this at the latest, where what is missing can come back earlier than it says. */
  readonly askAgainMs: number;
}

interface Waiter extends WaitRequest {
  readonly resolve: (decision: Decision) => void;
  readonly reject: (error: unknown) => void;
  readonly untilMs: number;
  isOver: boolean;
  stop: () => void;
}

interface Line {
  readonly waiters: Set<Waiter>;
  /** The refusal that its first waiter got last. */
  refusal: Decision | undefined;
  /** Whether something came back since its first waiter asked. */
  isWoken: boolean;
  stopPause: () => void;
}

export function createWaitQueue({ take, giveBack, maxWaiting, askAgainMs }: WaitQueueOptions): WaitQueue {
  const lines = new Map<string, Line>();
  let waiting = 0;
  let isClosed = false;

  function leave(line: Line, waiter: Waiter): void {
    if (waiter.isOver) return;
    waiter.isOver = true;
    waiter.stop();
    line.waiters.delete(waiter);
    waiting -= 1;
  }

  function settle(line: Line, waiter: Waiter, decision: Decision): void {
    leave(line, waiter);
    waiter.resolve(decision);
  }

  /** One runner per key, for as long as somebody waits. */
  async function run(key: string, line: Line): Promise<void> {
    for (;;) {
      const [first] = line.waiters;
      if (first === undefined) break;
      try {
        line.isWoken = false;
        const decision = await take(key, first.cost, first.id);
        if (first.isOver) {
          if (decision.outcome === 'allowed') giveBack(key, first.cost, first.id, decision);
          continue;
        }
        if (decision.outcome === 'allowed' || decision.reason === 'cost-exceeds-capacity') {
          settle(line, first, decision);
          continue;
        }
        line.refusal = decision;
        for (const waiter of line.waiters) if (waiter.untilMs <= performance.now()) settle(line, waiter, decision);
        if (first.isOver || line.isWoken) continue;
        const pauseMs = Math.min(Math.max(1, decision.retryAfterMs), askAgainMs);
        // Not before its time is over: no need to wait for that.
        if (pauseMs >= first.untilMs - performance.now()) {
          settle(line, first, decision);
          continue;
        }
        await pause(line, pauseMs);
      } catch (error) {
        leave(line, first);
        first.reject(error);
      }
    }
    lines.delete(key);
  }

  function expire(line: Line, waiter: Waiter): void {
    const isFirst = line.waiters.values().next().value === waiter;
    // Nobody of this key was refused yet: the one who is asking now will know.
    if (line.refusal === undefined) return;
    settle(line, waiter, line.refusal);
    if (isFirst) wakeLine(line);
  }

  return {
    wait(key, request) {
      if (isClosed) return Promise.reject(new LimiterClosedError());
      if (request.signal?.aborted) return Promise.reject(request.signal.reason);
      if (waiting >= maxWaiting) {
        tellOfBound('waiting');
        return Promise.reject(new OverloadedError('The queue of calls that wait for their limit', maxWaiting));
      }
      return new Promise((resolve, reject) => {
        const line = lines.get(key) ?? { waiters: new Set(), refusal: undefined, isWoken: false, stopPause: () => {} };
        const untilMs = performance.now() + request.maxWaitMs;
        const waiter: Waiter = { ...request, resolve, reject, untilMs, isOver: false, stop: () => {} };
        const abort = (): void => {
          const isFirst = line.waiters.values().next().value === waiter;
          leave(line, waiter);
          reject(request.signal?.reason);
          if (isFirst) wakeLine(line);
        };
        const cancelTimer = Number.isFinite(request.maxWaitMs)
          ? after(request.maxWaitMs, () => expire(line, waiter))
          : () => {};
        request.signal?.addEventListener('abort', abort, { once: true });
        waiter.stop = () => {
          cancelTimer();
          request.signal?.removeEventListener('abort', abort);
        };
        line.waiters.add(waiter);
        waiting += 1;
        if (lines.has(key)) return;
        lines.set(key, line);
        void run(key, line);
      });
    },
    wake(key) {
      const line = lines.get(key);
      if (line !== undefined) wakeLine(line);
    },
    close() {
      isClosed = true;
      for (const line of lines.values()) {
        for (const waiter of [...line.waiters]) {
          leave(line, waiter);
          waiter.reject(new LimiterClosedError());
        }
        wakeLine(line);
      }
    },
  };
}

/** Until then, or until the line is woken. */
function pause(line: Line, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = after(ms, () => wakeLine(line));
    line.stopPause = () => {
      cancel();
      resolve();
    };
  });
}

function wakeLine(line: Line): void {
  line.isWoken = true;
  line.stopPause();
}

/** A timer of any length. */
function after(ms: number, call: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    const stepMs = Math.min(leftMs, MAX_TIMER_MS);
    timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : call()), stepMs);
  };
  arm(ms);
  return () => clearTimeout(timer);
}
