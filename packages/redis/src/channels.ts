import { channel } from 'node:diagnostics_channel';
import type { LinkState } from './link.ts';

/** On `spillway:redis:state`: a link changed its state. */
export interface RedisStateMessage {
  readonly link: string;
  readonly state: LinkState;
  readonly previous: LinkState;
}

/** On `spillway:redis:command`: a command ended for its caller. */
export interface RedisCommandMessage {
  readonly link: string;
  /** The command as given, or the name of the script. */
  readonly operation: string;
  /** `refused` never reached a socket: the link was down or full. */
  readonly outcome: 'ok' | 'error' | 'deadline' | 'lost' | 'refused';
  /** From the write to the socket to the end, in milliseconds; 0 when refused. */
  readonly durationMs: number;
}

export const stateChannel = channel('spillway:redis:state');
export const commandChannel = channel('spillway:redis:command');
