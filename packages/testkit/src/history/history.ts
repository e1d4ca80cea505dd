import { appendFileSync, readFileSync } from 'node:fs';

/**
 * What a client did and saw, one line of JSON each. Times are the wall clock of one machine, in milliseconds, of when the
 * request was sent and its answer was there.
 */
export type HistoryEvent =
  /** An id or block handed out; `id` may come with the code made of it. */
  | { readonly kind: 'id'; readonly by: string; readonly id: number; readonly code?: string }
  /** A link whose creation was answered with 201 by instance `by`. */
  | {
      readonly kind: 'created';
      readonly by: string;
      readonly code: string;
      readonly url: string;
      readonly id?: number;
      readonly idempotencyKey?: string;
      readonly sentMs: number;
      readonly answeredMs: number;
    }
  /** A creation that was refused or failed. */
  | {
      readonly kind: 'not-created';
      readonly by: string;
      readonly alias?: string;
      /** 0: there was no answer, for the reason in `error`. */
      readonly status: number;
      readonly error?: string;
      readonly retryAfter?: string;
      readonly sentMs: number;
      readonly answeredMs: number;
    }
  /** A visit: `location` of a redirect, else the status alone. */
  | {
      readonly kind: 'read';
      readonly by: string;
      readonly code: string;
      readonly status: number;
      readonly location?: string;
      readonly sentMs: number;
      readonly answeredMs: number;
    }
  | {
      readonly kind: 'deleted';
      readonly by: string;
      readonly code: string;
      readonly sentMs: number;
      readonly answeredMs: number;
    };

export interface HistoryRecorder {
  record(event: HistoryEvent): void;
  readonly events: readonly HistoryEvent[];
}

/**
 * Collects events; with a `file` they are on disk before `record` returns, so that a process that is killed has told what it
 * saw: one file per process.
 */
export function recordHistory(options: { readonly file?: string } = {}): HistoryRecorder {
  const { file } = options;
  const events: HistoryEvent[] = [];
  return {
    events,
    record(event) {
      events.push(event);
      if (file !== undefined) appendFileSync(file, `${JSON.stringify(event)}\n`);
    },
  };
}

/** The events of one process' file. The last line may be torn, when it was killed while writing. */
export function readHistory(file: string): HistoryEvent[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as HistoryEvent);
}
