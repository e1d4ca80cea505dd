/** Picks one in so many, each with the same chance whatever was picked before. */
export interface Sampler {
  /** How many requests each picked one stands for. */
  readonly weight: number;
  /** Whether this one is picked. Costs a subtraction; nothing is allocated. */
  due(): boolean;
}

/**
 * Every request is picked with probability 1/`every`, so the sum of the weights is an unbiased count of any part of them
 * (Horvitz and Thompson, 1952), and no rhythm of a client can keep it in step with the picks, as it could with each hundredth.
 * The gaps between picks are drawn instead of a number per request: they are geometric (Devroye, "Non-Uniform Random Variate
 * Generation", X.2).
 */
export function createSampler(every: number, random: () => number = Math.random): Sampler {
  const miss = Math.log(1 - 1 / every);
  // With `every` 1, `miss` is -Infinity and each gap 1.
  const gap = () => 1 + Math.floor(Math.log(1 - random()) / miss);
  let left = gap();
  return {
    weight: every,
    due() {
      left -= 1;
      if (left > 0) return false;
      left = gap();
      return true;
    },
  };
}
