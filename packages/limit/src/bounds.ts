import { channel } from 'node:diagnostics_channel';
import type { LimitBoundMessage } from './messages.ts';

const bounds = channel('spillway:limit:bound');

export function tellOfBound(bound: LimitBoundMessage['bound']): void {
  if (bounds.hasSubscribers) bounds.publish({ bound } satisfies LimitBoundMessage);
}
