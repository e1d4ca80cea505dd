/**
 * NOTIFY takes payloads below 8,000 bytes. A longer frame travels as several, sent in one transaction: PostgreSQL delivers
 * the notifications of a transaction together and in order, **but equal ones only once**, so every piece has a number.
 *
 * A payload is `"."` and a whole frame; or a sign (`">"` first, `"+"` further, `"!"` last piece), the sender's name, a space,
 * the piece's number, a space and the piece. Names hold no space; numbers go on over all pieces of a sender.
 */

/** UTF-16 units per piece; each is three bytes at most. */
const PIECE = 2_500;

/** Senders whose pieces are being put together, and how long what they make may be (G7). */
const MAX_OPEN = 100;
const MAX_FRAME = 8_000_000;

/** Cuts the frames of one sender. */
export function createCutter(sender: string): (frame: string) => string[] {
  let number = 0;
  return (frame) => {
    if (frame.length <= PIECE) return [`.${frame}`];
    const payloads: string[] = [];
    for (let from = 0; from < frame.length; ) {
      let to = Math.min(from + PIECE, frame.length);
      // Not between the halves of a pair: each half alone would be replaced.
      const unit = frame.charCodeAt(to - 1);
      if (to < frame.length && unit >= 0xd800 && unit < 0xdc00) to -= 1;
      const sign = from === 0 ? '>' : to === frame.length ? '!' : '+';
      number += 1;
      payloads.push(`${sign}${sender} ${number} ${frame.slice(from, to)}`);
      from = to;
    }
    return payloads;
  };
}

/** Puts pieces together again. A lost piece loses its frame, which the number of the frame tells. */
export class Reassembly {
  readonly #open = new Map<string, { text: string; number: number }>();

  /** The frame that this payload completes, if it completes one. */
  take(payload: string): string | undefined {
    if (payload[0] === '.') return payload.slice(1);
    const [, sign, sender = '', digits, piece = ''] = /^([>+!])(\S+) (\d+) ([\s\S]*)$/.exec(payload) ?? [];
    if (sign === undefined) return undefined;
    const number = Number(digits);
    const before = this.#open.get(sender);
    this.#open.delete(sender);
    if (sign !== '>' && before?.number !== number - 1) return undefined;
    const text = sign === '>' ? piece : (before?.text ?? '') + piece;
    if (sign === '!') return text;
    if (text.length <= MAX_FRAME && this.#open.size < MAX_OPEN) this.#open.set(sender, { text, number });
    return undefined;
  }
}
