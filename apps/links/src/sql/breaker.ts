import { StoreUnavailableError } from '@spillway/kernel';

/**
 * Turns a hung database into a down one: after `misses` calls in a row without an answer, calls fail at once, and one probe
 * at a time asks whether it is back. Errors that the database itself sends are answers.
 */
export interface Breaker {
  readonly state: 'up' | 'down';
  run<Result>(operation: string, work: () => Promise<Result>): Promise<Result>;
  close(): void;
}

type State =
  | { readonly name: 'closed'; readonly misses: number }
  | { readonly name: 'open'; readonly cause: unknown; readonly delayMs: number };

export interface BreakerOptions {
  /** Asked while open, again and again, until it resolves. */
  readonly probe: () => Promise<unknown>;
  readonly misses?: number;
  /** Whether an error is the database's own and says nothing about the next call. Default: all but `StoreUnavailableError`. */
  readonly isAnswer?: (error: unknown) => boolean;
  /** Delay before a probe: doubles from the first to the second, with up to 20 % jitter. */
  readonly delayMs?: { readonly first: number; readonly most: number };
  readonly random?: () => number;
}

export function createBreaker({
  probe,
  misses = 3,
  isAnswer = (error) => !(error instanceof StoreUnavailableError),
  delayMs = { first: 100, most: 1_000 },
  random = Math.random,
}: BreakerOptions): Breaker {
  let state: State = { name: 'closed', misses: 0 };
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const open = (cause: unknown, delay: number) => {
    state = { name: 'open', cause, delayMs: delay };
    if (closed) return;
    timer = setTimeout(
      () =>
        probe().then(
          () => {
            state = { name: 'closed', misses: 0 };
          },
          (error: unknown) => open(error, Math.min(delay * 2, delayMs.most)),
        ),
      delay * (1 + random() * 0.2),
    );
    timer.unref();
  };

  return {
    get state() {
      return state.name === 'closed' ? ('up' as const) : ('down' as const);
    },
    async run(operation, work) {
      if (state.name === 'open') {
        throw new StoreUnavailableError(operation, state.cause, 'is down (breaker open)', { mayHaveRun: false });
      }
      try {
        const result = await work();
        if (state.name === 'closed' && state.misses > 0) state = { name: 'closed', misses: 0 };
        return result;
      } catch (error) {
        if (state.name === 'closed') {
          const count = isAnswer(error) ? 0 : state.misses + 1;
          if (count >= misses) open(error, delayMs.first);
          else state = { name: 'closed', misses: count };
        }
        throw error;
      }
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
