/**
 * Which of many readers of a value refreshes it ahead of its end, without any of them knowing of the others: XFetch, after A. Vattani,
 * F. Chierichetti, K. Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", PVLDB 8(8), 2015. A read that comes `left` before
 * the end refreshes with the probability exp(-left / (beta x load)), where `load` is how long loading takes: the slower the load, the
 * earlier; the more readers, the surer one of them. Beta 1 is the paper's optimum, more is earlier.
 *
 * Ahead of the zone, ZONE x beta x load, where that is less than one in 20,000, nothing is drawn: a hit there costs what it costs without.
 */
export interface EarlyRefresh {
  /** A load has taken so long. */
  took(loadUs: number): void;
  /** How long ahead of its end reads of a value begin to draw; the average of the loads here counts where its own is not known. */
  zoneUs(loadUs: number | undefined): number;
  /** Draws. */
  isDue(leftUs: number, zoneUs: number): boolean;
}

const ZONE = 10;

/** Loads that the average looks back upon. */
const LOADS = 16;

/** Undefined for a beta of 0: nothing is refreshed early. */
export function createEarlyRefresh(beta: number, random: () => number): EarlyRefresh | undefined {
  if (beta === 0) return undefined;
  let averageUs: number | undefined;
  return {
    took(loadUs) {
      averageUs = averageUs === undefined ? loadUs : averageUs + (loadUs - averageUs) / LOADS;
    },
    zoneUs: (loadUs) => ZONE * beta * (loadUs ?? averageUs ?? 0),
    // 1 - random() is never 0, of which there is no logarithm.
    isDue: (leftUs, zoneUs) => leftUs < (-zoneUs / ZONE) * Math.log(1 - random()),
  };
}
