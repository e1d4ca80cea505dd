/**
 * One token bucket in whole ticks, as docs/4.protocols/limits.md has it: the state is the moment at which it is full again, and
 * nothing else. A token is `tokenTicks` long. What time forgives, hand-backs and hand-overs change by these few lines only.
 */
export interface BucketSize {
  readonly capacity: number;
  readonly tokenTicks: number;
}

export const fullTicks = ({ capacity, tokenTicks }: BucketSize): number => capacity * tokenTicks;

/** What was taken and has not refilled. */
export const debt = (fullAt: number, now: number): number => Math.max(0, fullAt - now);

export const fits = (size: BucketSize, fullAt: number, now: number, cost: number): boolean =>
  debt(fullAt, now) + cost * size.tokenTicks <= fullTicks(size);

export const charge = (size: BucketSize, fullAt: number, now: number, cost: number): number =>
  Math.max(fullAt, now) + cost * size.tokenTicks;

/** Whole tokens that could be taken now. */
export const left = (size: BucketSize, fullAt: number, now: number): number =>
  Math.max(0, Math.floor((fullTicks(size) - debt(fullAt, now)) / size.tokenTicks));

/** Hand-back of `tokens` reserved at `chargedAt`: what they would have refilled since is theirs no more. */
export function giveBack(size: BucketSize, fullAt: number, now: number, tokens: number, chargedAt: number): number {
  const credit = Math.max(0, tokens * size.tokenTicks - Math.max(0, now - chargedAt));
  return Math.max(now, fullAt - credit);
}

/** Hand-over of what was used without the store, never beyond empty. */
export function handOver(size: BucketSize, fullAt: number, now: number, ticks: number): number {
  const room = Math.max(0, fullTicks(size) - debt(fullAt, now));
  return Math.max(fullAt, now) + Math.min(ticks, room);
}
