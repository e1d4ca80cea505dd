import type { Random } from '@spillway/kernel';

/**
 * Draws 0 to `count` - 1 by Zipf's law: the k-th is asked for in proportion to 1 / k^exponent. Constant time per draw.
 * Source: alias method, A. J. Walker 1977, in M. D. Vose's linear construction, 1991.
 */
export function zipf(count: number, random: Random, exponent = 1): () => number {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`A Zipf law needs at least 1 item, got ${count}`);
  const weights = Array.from({ length: count }, (_, i) => 1 / (i + 1) ** exponent);
  const scale = count / weights.reduce((sum, weight) => sum + weight, 0);
  const share = Float64Array.from(weights, (weight) => weight * scale);
  const alias = new Uint32Array(count);
  const small: number[] = [];
  const large: number[] = [];
  for (let i = 0; i < count; i++) ((share[i] ?? 0) < 1 ? small : large).push(i);
  while (small.length > 0 && large.length > 0) {
    const below = small.pop() ?? 0;
    const above = large.pop() ?? 0;
    alias[below] = above;
    share[above] = (share[above] ?? 0) + (share[below] ?? 0) - 1;
    ((share[above] ?? 0) < 1 ? small : large).push(above);
  }
  for (const rest of [...small, ...large]) share[rest] = 1;
  return () => {
    const at = random() * count;
    const column = Math.floor(at);
    return at - column < (share[column] ?? 1) ? column : (alias[column] ?? column);
  };
}
