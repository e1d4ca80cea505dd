import { type Batch, decodeBatch } from '../batch.ts';
import type { EventCodec } from '../codec.ts';
import type { Offer } from '../core/admit.ts';
import type { Delivery } from '../transport.ts';

/** A batch in a sink's hands. */
export interface Entry<Event> extends Offer {
  readonly delivery: Delivery;
  readonly batch: Batch;
  readonly content:
    | { readonly kind: 'events'; readonly events: readonly Event[] }
    | { readonly kind: 'dead'; readonly reason: 'undecodable' | 'expired'; readonly error: unknown };
}

/**
 * Undefined for what is no whole batch: its checksum fails, so not even its name can be believed. It is dropped, and its producer sends it again.
 */
export function toEntry<Event>(
  delivery: Delivery,
  decode: EventCodec<Event>['decode'],
  expiredBeforeMs: number,
): Entry<Event> | undefined {
  const decoded = decodeBatch(delivery.frame);
  if (decoded.kind !== 'batch') return undefined;
  const { batch } = decoded;
  return {
    seq: batch.seq,
    floor: delivery.floor,
    patience: 'waiting',
    delivery,
    batch,
    content: open(batch, decode, expiredBeforeMs),
  };
}

function open<Event>(
  batch: Batch,
  decode: EventCodec<Event>['decode'],
  expiredBeforeMs: number,
): Entry<Event>['content'] {
  // Its watermark row may be gone: whether it was counted can not be known any more.
  if (batch.atMs < expiredBeforeMs) {
    return {
      kind: 'dead',
      reason: 'expired',
      error: `made at ${new Date(batch.atMs).toISOString()}, before what the sink remembers`,
    };
  }
  try {
    const events = decode(batch.body);
    if (events.length === batch.events) return { kind: 'events', events };
    return {
      kind: 'dead',
      reason: 'undecodable',
      error: `decoded to ${events.length} events, made of ${batch.events}`,
    };
  } catch (error) {
    return { kind: 'dead', reason: 'undecodable', error };
  }
}
