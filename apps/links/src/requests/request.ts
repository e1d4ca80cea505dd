/** How a request ended. Kept as a place in this list: add at the end only. */
export const OUTCOMES = ['allowed', 'limited', 'not-found', 'unauthorized', 'refused', 'failed', 'denied'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The longest text of a key's id, a route or a policy that is kept; the rest is cut off. */
export const MAX_TEXT = 200;

interface RequestFacts {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** The id of the key that asked, `admin`, or empty: none, or one that is nobody's. */
  readonly key: string;
  readonly method: string;
  /** As the program has it (`/api/v1/links/:code`), never as it was asked for; `none` where there is no such route. */
  readonly route: string;
  readonly status: number;
  /** The policy that refused it, or the one that its answer tells of; empty for none. */
  readonly policy: string;
  /** What it was charged for, e.g. the rows of a batch. */
  readonly cost: number;
  /** How many requests it stands for: 1, or more where not each is recorded. */
  readonly weight: number;
  /** The limit of another program that it asked about refused: an answer 200, whose status does not say so. */
  readonly denied?: true;
}

/** A request as it was answered. It stays in this process's memory, until the log makes a `RequestRecord` of it. */
export interface AnsweredRequest extends RequestFacts {
  /** The client's address: the socket's, or the one that a trusted proxy names. */
  readonly ip: string;
}

/** One request as spool, stream, sink and table know it: nothing in it names the client, nor holds a key. */
export interface RequestRecord extends RequestFacts {
  /** The client's address as a keyed hash, the same one that clicks have, of IPv6 its /64: a signed integer of 64 bits. */
  readonly client: bigint;
}

export function outcomeOf({ status, denied }: Pick<RequestFacts, 'status' | 'denied'>): Outcome {
  if (denied) return 'denied';
  if (status < 400) return 'allowed';
  if (status >= 500) return 'failed';
  switch (status) {
    case 429:
      return 'limited';
    case 404:
    case 410:
      return 'not-found';
    case 401:
    case 403:
      return 'unauthorized';
    default:
      return 'refused';
  }
}

/** A client's hash as it is shown: 16 hexadecimal digits. */
export const showClient = (client: bigint): string => BigInt.asUintN(64, client).toString(16).padStart(16, '0');

/** Back from how it is shown. `text` must be 16 hexadecimal digits. */
export const readClient = (text: string): bigint => BigInt.asIntN(64, BigInt(`0x${text}`));
