import type { Clock } from '@spillway/kernel';

/** How long one reading of the server's clock is relied on. Two clocks drift apart by some milliseconds meanwhile. */
const RELY_ON_US = 30_000_000;

/** What two instances' ideas of the server's clock may be apart: half a round trip each, within the deadline. */
export const CLOCK_ERROR_MS = 100;

/**
 * The server's clock, as known here: its last reading plus the time passed since by this process's own. So all instances judge the
 * age of an entry alike, and a host whose clock steps is not noticed. Off by half a round trip at most.
 */
export interface StoreClock {
  nowMs(): number;
  /** Resolves when the clock has been read, and undefined if it has been. Reads it again in the background from time to time. */
  ready(): Promise<void> | undefined;
  /** A reading that came with something else. */
  observe(serverMs: number, sentUs: number): void;
  /** It may be another server now. */
  reset(): void;
}

/** @param readServer asks the server for its time, in milliseconds since the epoch */
export function createStoreClock(clock: Clock, readServer: () => Promise<number>): StoreClock {
  let offsetMs = 0;
  let readUs: number | undefined;
  let reading: Promise<void> | undefined;
  let era = 0;

  const observe = (serverMs: number, sentUs: number): void => {
    const gotUs = clock.nowUs();
    offsetMs = serverMs - (sentUs + gotUs) / 2_000;
    readUs = gotUs;
  };

  const read = async (): Promise<void> => {
    const sentUs = clock.nowUs();
    const asked = era;
    const serverMs = await readServer();
    if (asked === era) observe(serverMs, sentUs);
  };

  const readOnce = (): Promise<void> => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };

  return {
    nowMs: () => Math.round(offsetMs + clock.nowUs() / 1_000),
    ready() {
      if (readUs === undefined) return readOnce();
      // A failure shows in the next command; until then the old reading does.
      if (clock.nowUs() - readUs > RELY_ON_US) readOnce().catch(() => undefined);
      return undefined;
    },
    observe,
    reset() {
      era += 1;
      readUs = undefined;
      reading = undefined;
    },
  };
}
