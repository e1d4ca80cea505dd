export { type LimitedFunction, type LimitedOptions, limited } from './limited.ts';
export { type RateLimitOptions, rateLimit } from './rate-limit-decorator.ts';
export { RateLimitedError, type Refusal } from './rate-limited-error.ts';
export type { Counted } from './taker.ts';
