import { channel } from 'node:diagnostics_channel';
import type { GapReason } from '../core/bus-receiver.ts';

/** On `spillway:bus:gap`: this instance may have missed messages. */
export interface BusGapMessage {
  readonly instance: string;
  readonly reason: GapReason;
}

export const gapChannel = channel('spillway:bus:gap');
