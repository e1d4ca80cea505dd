import { seededRandom } from '@spillway/kernel';
import { type LogEntry, parseLogLine } from './access-log.ts';
import { generateAccessLog } from './generate-access-log.ts';
import { zipf } from './zipf.ts';

/** One visit to a short link, as a browser would make it. */
export interface Visit {
  readonly code: string;
  readonly ip: string;
  readonly userAgent: string | undefined;
  readonly referrer: string | undefined;
}

/**
 * Endless visits to `codes`, popular ones first by Zipf's law, by clients, agents and referrers as in an access log. The same
 * seed gives the same visits: print it.
 */
export function* seededTraffic(options: {
  readonly seed: number;
  readonly codes: readonly string[];
  /** Default 1. */
  readonly exponent?: number;
  /** Whose clients, agents and referrers to take. Default: a generated log. */
  readonly log?: readonly LogEntry[];
}): Generator<Visit, never, void> {
  const { seed, codes, exponent = 1 } = options;
  const log = options.log ?? generateAccessLog({ seed }).trimEnd().split('\n').map(parseLogLine);
  const random = seededRandom(seed);
  const code = zipf(codes.length, random, exponent);
  for (;;) {
    const { ip, userAgent, referrer } = log[Math.floor(random() * log.length)] as LogEntry;
    yield { code: codes[code()] as string, ip, userAgent, referrer };
  }
}
