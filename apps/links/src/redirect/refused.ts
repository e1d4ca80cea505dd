import { type Decision, type Limiter, retryAfterSeconds } from '@spillway/limit';
import type { ProblemOptions } from '../http/problem.ts';
import { limitHeaders } from '../limits/limit-answers.ts';

/** A limit that a client has used up. */
export interface Refused {
  readonly limiter: Pick<Limiter, 'policies'>;
  readonly refused: Decision;
}

/**
 * What whoever asks for a code is told then. Only then: a redirect that is granted says nothing of its limit, since the hot path
 * would pay for headers that nobody who follows a link reads.
 */
export const hadItsShare = ({ limiter, refused }: Refused): ProblemOptions => ({
  detail: `This client has had its share; try again in ${retryAfterSeconds(refused) ?? 1} s`,
  extra: { 'violated-policies': [refused.policy] },
  headers: limitHeaders(limiter, refused),
});
