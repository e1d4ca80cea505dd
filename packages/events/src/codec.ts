/** How events become the body of a batch, and back. Both ends of a log must agree on it. */
export interface EventCodec<Event> {
  encode(events: readonly Event[]): Uint8Array;
  /** May throw: the batch then goes to the dead letters with its bytes. */
  decode(body: Uint8Array): readonly Event[];
}

/** A JSON array per batch: what JSON can not say (Map, BigInt, undefined) needs a codec of its own. */
export const jsonCodec = <Event>(): EventCodec<Event> => ({
  encode: (events) => Buffer.from(JSON.stringify(events)),
  decode: (body) => JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')) as Event[],
});
