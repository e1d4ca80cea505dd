import type { Random } from '@spillway/kernel';
import type { ParsedOptions } from '../options.ts';
import type { Probe } from './prober.ts';
import type { Request } from './request.ts';

export interface LaneOptions {
  /** The link's name, for metrics. */
  readonly link: string;
  /** Whose rights are asked for when one is missing. */
  readonly user: string | undefined;
  readonly deadlineMs: number;
  /** A probe answered later than this does not close the breaker. */
  readonly probeDeadlineMs: number;
  /** Commands that the server has not answered; beyond it new ones are refused. */
  readonly maxPending: number;
  readonly random: Random;
  /** What a probe sends. */
  readonly probe: Probe;
  /** Called after the lane began or ceased to serve. */
  readonly onServing: (serving: boolean) => void;
  /** Takes a request that this server said belongs elsewhere (MOVED, ASK). False when it can not. */
  readonly redirect?: (request: Request) => boolean;
}

/** What the lanes of a link have from its options, whatever leads to their servers. */
export const laneOptions = (
  { name, username, deadlineMs, maxPending, random }: ParsedOptions,
  own: Pick<LaneOptions, 'probe' | 'onServing' | 'redirect'>,
): LaneOptions => ({
  link: name,
  user: username,
  deadlineMs,
  probeDeadlineMs: deadlineMs,
  maxPending,
  random,
  ...own,
});
