/**
 * NOTIFY takes payloads below 8,000 bytes. A longer frame travels as several, sent in one transaction: PostgreSQL delivers
 * the notifications of a transaction together and in order.
 *
 * A payload is `"."` and a whole frame, or `"+"`, the sender's name, a space and a piece, or the same with `"!"` for the last
 * piece. Names hold no space.
 */

/** UTF-16 units per piece; each is three bytes at most. */
const PIECE = 2_500;

/** Senders whose pieces are being put together, and how long what they make may be (G7). */
const MAX_OPEN = 100;
const MAX_FRAME = 4_000_000;

export function toPayloads(sender: string, frame: string): string[] {
  if (frame.length <= PIECE) return [`.${frame}`];
  const payloads: string[] = [];
  for (let from = 0; from < frame.length; ) {
    let to = Math.min(from + PIECE, frame.length);
    // Not between the halves of a pair: each half alone would be replaced.
    const unit = frame.charCodeAt(to - 1);
    if (to < frame.length && unit >= 0xd800 && unit < 0xdc00) to -= 1;
    payloads.push(`${to === frame.length ? '!' : '+'}${sender} ${frame.slice(from, to)}`);
    from = to;
  }
  return payloads;
}

/** Puts pieces together again. A lost piece loses its frame, which the frame's number tells. */
export class Reassembly {
  readonly #open = new Map<string, string>();

  /** The frame that this payload completes, if it completes one. */
  take(payload: string): string | undefined {
    const sign = payload[0];
    if (sign === '.') return payload.slice(1);
    if (sign !== '+' && sign !== '!') return undefined;
    const space = payload.indexOf(' ');
    if (space < 0) return undefined;
    const sender = payload.slice(1, space);
    const frame = (this.#open.get(sender) ?? '') + payload.slice(space + 1);
    this.#open.delete(sender);
    if (sign === '!') return frame;
    if (frame.length <= MAX_FRAME && this.#open.size < MAX_OPEN) this.#open.set(sender, frame);
    return undefined;
  }
}
