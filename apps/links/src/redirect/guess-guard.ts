import type { Decision } from '@spillway/limit';
import type { CountedLimiter } from '../limits/counted-limiter.ts';
import { limitHeaders } from '../limits/limit-answers.ts';

/**
 * What a client may guess of a link's password. Only a wrong one is charged, and only once it is known to be wrong; those that are
 * being checked hold their place in the limit until then, so that no number of them at once is more than the limit allows.
 */
export interface GuessGuard {
  begin(key: string): Promise<Guess>;
}

export interface Guess {
  /** Set when there is no room for it: then it must not be checked. */
  readonly refused: Decision | undefined;
  /** Charges it; the headers that tell of that. */
  wrong(): Record<string, string>;
  /** Gives its place back. To be called once, however the check ended. */
  end(): void;
}

type GuardLimiter = Pick<CountedLimiter, 'peek' | 'takeNow' | 'count' | 'policies'>;

/** How soon those under way will have been checked, about. */
const CHECKED_MS = 1_000;

const UNLIMITED: Guess = { refused: undefined, wrong: () => ({}), end: () => undefined };

export function createGuessGuard(limiter: GuardLimiter | undefined): GuessGuard {
  /** By key; as many at most as there are requests under way. */
  const underWay = new Map<string, number>();
  const leave = (key: string): void => {
    const left = (underWay.get(key) ?? 1) - 1;
    if (left === 0) underWay.delete(key);
    else underWay.set(key, left);
  };
  return {
    async begin(key) {
      if (limiter === undefined) return UNLIMITED;
      const places = (underWay.get(key) ?? 0) + 1;
      underWay.set(key, places);
      try {
        // Decided in this very moment, as a share is: between the count and the look nobody else comes.
        const standing = await limiter.peek(key);
        if (standing.remaining >= places) {
          const end = () => leave(key);
          return { refused: undefined, wrong: () => limitHeaders(limiter, limiter.takeNow(key)), end };
        }
        const refused = toRefusal(standing);
        limiter.count(refused);
        leave(key);
        return { ...UNLIMITED, refused };
      } catch (error) {
        leave(key);
        throw error;
      }
    },
  };
}

/** All that is left may be held by guesses that are being checked. */
const toRefusal = (standing: Decision): Decision =>
  standing.outcome === 'denied'
    ? standing
    : {
        ...standing,
        outcome: 'denied',
        reason: 'exhausted',
        retryAfterMs: CHECKED_MS,
        violatedPolicies: [standing.policy],
      };
