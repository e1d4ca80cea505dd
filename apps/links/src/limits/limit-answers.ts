import { type Decision, type Limiter, rateLimitHeaders, rateLimitProblem } from '@spillway/limit';
import type { FastifyReply } from 'fastify';
import { Problem } from '../http/problem.ts';

/** What an answer says of a limit: the policy, what is left, and after a refusal when to come back. */
export function limitHeaders({ policies }: Pick<Limiter, 'policies'>, decision: Decision): Record<string, string> {
  const headers = Object.entries(rateLimitHeaders(policies, decision)).map(([name, value]) => [
    name.toLowerCase(),
    value,
  ]);
  return Object.fromEntries(headers);
}

/** The problem of a call over its limit. */
export function limitProblem(limiter: Pick<Limiter, 'policies'>, decision: Decision): Problem | undefined {
  const problem = rateLimitProblem(decision);
  if (problem === undefined) return undefined;
  return new Problem('quota-exceeded', {
    detail: problem.detail,
    extra: { 'violated-policies': problem['violated-policies'] },
    headers: limitHeaders(limiter, decision),
  });
}

/**
 * Charges `key` for a call, and says on its answer, whatever that will be, what is left.
 * @throws {Problem} when it has had its share
 */
export function charge(limiter: Limiter | undefined, key: string, reply: FastifyReply): void {
  if (limiter === undefined) return;
  const decision = limiter.takeNow(key);
  const problem = limitProblem(limiter, decision);
  if (problem !== undefined) throw problem;
  reply.headers(limitHeaders(limiter, decision));
}
