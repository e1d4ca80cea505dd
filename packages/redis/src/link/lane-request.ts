import type { RedisArgument } from '../link.ts';
import type { Batch, DeadlineQueue, Expiring } from './deadlines.ts';
import type { Request } from './request.ts';

/** Whom a request tells how it ended. */
export interface Answered {
  answered(request: LaneRequest, reply: unknown): void;
  failed(request: LaneRequest, error: unknown): void;
  expired(request: LaneRequest, deadlineMs: number): void;
}

/** A request with its deadline and its caller. */
export class LaneRequest implements Request, Expiring {
  readonly name: string;
  readonly args: readonly RedisArgument[];
  readonly binary: boolean;
  readonly operation: string;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly #lane: Answered;
  settled = false;
  redirected = false;
  queue: DeadlineQueue<LaneRequest> | undefined;
  batch: Batch<LaneRequest> | undefined;
  onAnswered: (() => void) | undefined;
  onLate: (() => void) | undefined;

  constructor(
    lane: Answered,
    name: string,
    args: readonly RedisArgument[],
    operation: string,
    binary: boolean,
    resolve: (reply: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.#lane = lane;
    this.name = name;
    this.args = args;
    this.operation = operation;
    this.binary = binary;
    this.resolve = resolve;
    this.reject = reject;
  }

  answer(reply: unknown): void {
    this.onAnswered?.();
    this.#lane.answered(this, reply);
  }

  fail(error: unknown): void {
    this.onAnswered?.();
    this.#lane.failed(this, error);
  }

  expire(deadlineMs: number): void {
    this.#lane.expired(this, deadlineMs);
  }
}
