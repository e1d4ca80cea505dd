import type { Decision, Limiter } from '@spillway/limit';

/**
 * What a client may guess. A look-up that found nothing is charged when it has found nothing; who has had its share is kept
 * from further look-ups that L1 can not answer, until it may guess again. So guesses can not wear down the database.
 */
export interface MissGuard {
  /** The refusal that holds now, its wait counted from now. */
  blocked(client: string): Decision | undefined;
  charge(client: string): void;
}

/** `count`, where there is one, is told of refusals that the limiter was not asked for again. */
type GuardLimiter = Pick<Limiter, 'takeNow'> & { count?(decision: Decision): void };

/** Blocked clients remembered; beyond it the earliest is let go, and is blocked again by its next miss (G7). */
const MAX_BLOCKED = 10_000;

export function createMissGuard(
  limiter: GuardLimiter | undefined,
  now: () => number = () => performance.now(),
): MissGuard {
  const blocked = new Map<string, { readonly decision: Decision; readonly untilMs: number }>();
  return {
    blocked(client) {
      // Nearly always: then the key need not even be hashed.
      if (blocked.size === 0) return undefined;
      const entry = blocked.get(client);
      if (entry === undefined) return undefined;
      const leftMs = entry.untilMs - now();
      if (leftMs > 0) {
        const retryAfterMs = Math.ceil(leftMs);
        // One unit is what is missing, so both end together.
        const decision = {
          ...entry.decision,
          decidedBy: 'local-block',
          retryAfterMs,
          refillAfterMs: retryAfterMs,
        } as Decision;
        limiter?.count?.(decision);
        return decision;
      }
      blocked.delete(client);
      return undefined;
    },
    charge(client) {
      const decision = limiter?.takeNow(client);
      if (decision?.outcome !== 'denied' || decision.reason !== 'exhausted') return;
      if (blocked.size >= MAX_BLOCKED) blocked.delete(blocked.keys().next().value as string);
      blocked.set(client, { decision, untilMs: now() + decision.retryAfterMs });
    },
  };
}
