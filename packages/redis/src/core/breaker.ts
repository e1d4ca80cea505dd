/**
 * When to stop asking a store that does not answer, and when to trust it again. Pure: the connection that owns it sends the
 * probe, drops the socket and keeps the time.
 *
 * closed     commands pass; `misses` deadlines in a row went by without one answer in time
 * open       nothing passes; `failures` counts the attempts since it was last closed, for the back-off
 * half-open  nothing passes but one probe
 *
 * It starts open: a store is trusted once a probe has come back.
 */
export type BreakerState =
  | { readonly name: 'closed'; readonly misses: number }
  | { readonly name: 'open'; readonly failures: number }
  | { readonly name: 'half-open'; readonly failures: number };

export type BreakerEvent =
  /** An answer within its deadline. A late one proves that the store lives, not that it is of use: it is no event. */
  | 'success'
  /** A deadline went by. At most one event per sweep, however many commands it ended. */
  | 'miss'
  /** The connection is gone, or the store said that it can not serve. */
  | 'lost'
  /** A probe may go out now. It goes out if, and only if, this moves the breaker to half-open. */
  | 'probe'
  | 'probe-succeeded'
  | 'probe-failed';

export const INITIAL_BREAKER: BreakerState = { name: 'open', failures: 0 };

/** Misses in a row that open the breaker. */
export const MISSES_TO_OPEN = 3;

export function transition(state: BreakerState, event: BreakerEvent): BreakerState {
  switch (state.name) {
    case 'closed':
      if (event === 'success') return state.misses === 0 ? state : { name: 'closed', misses: 0 };
      if (event === 'lost') return { name: 'open', failures: 1 };
      if (event !== 'miss') return state;
      if (state.misses + 1 >= MISSES_TO_OPEN) return { name: 'open', failures: 1 };
      return { name: 'closed', misses: state.misses + 1 };
    case 'open':
      return event === 'probe' ? { name: 'half-open', failures: state.failures } : state;
    case 'half-open':
      if (event === 'probe-succeeded') return { name: 'closed', misses: 0 };
      if (event === 'probe-failed' || event === 'lost') return { name: 'open', failures: state.failures + 1 };
      return state;
    default:
      return state satisfies never;
  }
}
