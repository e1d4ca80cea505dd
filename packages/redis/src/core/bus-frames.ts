/**
 * What travels on the bus. `publisher` names one life of one instance: a process that restarts is another publisher, so a
 * sequence never starts over.
 */
export type BusFrame =
  /** The next message of a publisher; the first has `seq` 1. */
  | {
      readonly kind: 'message';
      readonly publisher: string;
      readonly seq: number;
      readonly topic: string;
      readonly text: string;
    }
  /** "I am here, and `last` was my last message." */
  | { readonly kind: 'beat'; readonly publisher: string; readonly last: number }
  /** The last word of a publisher. */
  | { readonly kind: 'bye'; readonly publisher: string; readonly last: number };

/** JSON: any string survives it, halves of surrogate pairs included. */
export function encodeFrame(frame: BusFrame): string {
  return frame.kind === 'message'
    ? JSON.stringify(['m', frame.publisher, frame.seq, frame.topic, frame.text])
    : JSON.stringify([frame.kind === 'beat' ? 'b' : 'e', frame.publisher, frame.last]);
}

/** Undefined for what is no frame: anybody can write to a channel. */
export function decodeFrame(text: string): BusFrame | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(raw)) return undefined;
  const [kind, publisher, number, topic, message] = raw as unknown[];
  if (typeof publisher !== 'string' || typeof number !== 'number' || !Number.isSafeInteger(number)) return undefined;
  if (kind === 'b' && number >= 0) return { kind: 'beat', publisher, last: number };
  if (kind === 'e' && number >= 0) return { kind: 'bye', publisher, last: number };
  if (kind !== 'm' || number < 1 || typeof topic !== 'string' || typeof message !== 'string') return undefined;
  return { kind: 'message', publisher, seq: number, topic, text: message };
}
