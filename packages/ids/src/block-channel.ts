import { channel } from 'node:diagnostics_channel';

/** What `spillway:ids:block` carries: one message per block fetched or not to be had. Nothing is built while nobody listens. */
export type BlockMessage =
  | {
      readonly outcome: 'taken';
      /** The allocator's name. */
      readonly allocator: string;
      readonly number: number;
      /** First id and how many. */
      readonly first: number;
      readonly size: number;
      /** `redis`, `sql`, `memory`, or the name of a user's own source. */
      readonly proposedBy: string;
      readonly conflicts: number;
      /** How long the source took, in milliseconds. */
      readonly tookMs: number;
      /** Ids in hand afterwards, these included. */
      readonly remaining: number;
    }
  | {
      readonly outcome: 'failed';
      readonly allocator: string;
      readonly error: unknown;
      readonly tookMs: number;
      readonly remaining: number;
    };

export const blockChannel = channel('spillway:ids:block');
