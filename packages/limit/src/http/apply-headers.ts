import type { RateLimitHeaders } from './headers.ts';

/** The header fields of an answer, whatever the framework calls them. */
export interface AnswerHeaders {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
}

/** Several limiters on one route each add to the lists; of the legacy fields, those of the one with the least left stay. */
export function applyHeaders(answer: AnswerHeaders, headers: RateLimitHeaders): void {
  addToList(answer, 'RateLimit-Policy', headers['RateLimit-Policy']);
  if (headers.RateLimit !== undefined) addToList(answer, 'RateLimit', headers.RateLimit);
  if (headers['Retry-After'] !== undefined) answer.set('Retry-After', headers['Retry-After']);
  const remaining = headers['X-RateLimit-Remaining'];
  if (remaining === undefined || Number(answer.get('X-RateLimit-Remaining') ?? Infinity) < Number(remaining)) return;
  answer.set('X-RateLimit-Remaining', remaining);
  answer.set('X-RateLimit-Limit', headers['X-RateLimit-Limit'] ?? '');
  answer.set('X-RateLimit-Reset', headers['X-RateLimit-Reset'] ?? '');
}

function addToList(answer: AnswerHeaders, name: string, value: string): void {
  const others = answer.get(name);
  answer.set(name, others === undefined ? value : `${others}, ${value}`);
}
