import type { EventCodec } from '../codec.ts';

/** A batch's body is at most this long, so that one command of a transport stays small. */
export const MAX_BODY_BYTES = 1024 * 1024;

export interface Encoded<Event> {
  readonly bodies: readonly { readonly body: Uint8Array; readonly events: number }[];
  readonly refused: readonly {
    readonly event: Event;
    readonly reason: 'unencodable' | 'too-large';
    readonly error?: unknown;
  }[];
}

/** Encodes all at once; only when that fails, or gives too much, in halves, until the event at fault stands alone. */
export function encodeBodies<Event>(
  codec: Pick<EventCodec<Event>, 'encode'>,
  events: readonly Event[],
  maxBytes = MAX_BODY_BYTES,
): Encoded<Event> {
  let reason: 'unencodable' | 'too-large' = 'too-large';
  let cause: unknown;
  try {
    const body = codec.encode(events);
    if (body.length <= maxBytes) return { bodies: [{ body, events: events.length }], refused: [] };
  } catch (error) {
    reason = 'unencodable';
    cause = error;
  }
  const [event] = events;
  if (events.length === 1 && event !== undefined) return { bodies: [], refused: [{ event, reason, error: cause }] };
  if (events.length <= 1)
    return { bodies: [], refused: events.map((refused) => ({ event: refused, reason, error: cause })) };
  const half = Math.ceil(events.length / 2);
  const left = encodeBodies(codec, events.slice(0, half), maxBytes);
  const right = encodeBodies(codec, events.slice(half), maxBytes);
  return { bodies: [...left.bodies, ...right.bodies], refused: [...left.refused, ...right.refused] };
}
