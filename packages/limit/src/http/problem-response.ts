import type { Decision } from '../core/decision.ts';
import { rateLimitProblem } from './problem.ts';

/** A refusal as a fetch `Response`. */
export function problemResponse(decision: Decision): Response {
  const problem = rateLimitProblem(decision);
  return new Response(JSON.stringify(problem), {
    status: problem?.status ?? 429,
    headers: { 'content-type': 'application/problem+json' },
  });
}
