/**
 * What a sink does with the batches of one producer's epoch that it has in hand: the only place where "seen before", "in order"
 * and "lost for good" are decided. Pure, and shared with the model in test/property. The protocol is docs/4.protocols/clicks.md.
 */

/** What SQL knows of one epoch, read under the lock of its watermark row. */
export interface Mark {
  /** Every batch up to this one is committed, or is known never to come. */
  readonly seq: number;
  /** Batches committed above a hole, all of them greater than `seq + 1`. */
  readonly ahead: ReadonlySet<number>;
}

export interface Offer {
  /** 1, 2, 3, ... */
  readonly seq: number;
  /** No batch up to this one will ever be sent again: each was committed once, or can not be read any more. */
  readonly floor: number;
  /** `over` once it waited so long for its predecessor that being counted goes before order. */
  readonly patience: 'waiting' | 'over';
}

export interface Admission<O extends Offer> {
  /** To be written now, in this order, which is the producer's unless patience ran out. */
  readonly write: readonly O[];
  /** Seen before: to be acknowledged, and nothing else. */
  readonly skip: readonly O[];
  /** Ahead of a predecessor that is still to come: neither written nor acknowledged. */
  readonly hold: readonly O[];
  readonly mark: Mark;
  /** Numbers between the old and the new watermark that nobody wrote, because a floor passed them. */
  readonly lost: number;
}

export function admit<O extends Offer>(mark: Mark, offers: readonly O[]): Admission<O> {
  const write: O[] = [];
  const skip: O[] = [];
  const hold: O[] = [];
  const ahead = new Set(mark.ahead);
  let seq = mark.seq;
  let lost = 0;

  const joinAhead = (): void => {
    while (ahead.delete(seq + 1)) seq += 1;
  };

  for (const offer of bySeqThenHighestFloor(offers)) {
    if (offer.seq > seq + 1 && offer.floor > seq) {
      for (let passed = seq + 1; passed <= offer.floor; passed += 1) if (!ahead.delete(passed)) lost += 1;
      seq = offer.floor;
      joinAhead();
    }
    if (offer.seq <= seq || ahead.has(offer.seq)) {
      skip.push(offer);
    } else if (offer.seq === seq + 1) {
      write.push(offer);
      seq += 1;
      joinAhead();
    } else if (offer.patience === 'over') {
      write.push(offer);
      ahead.add(offer.seq);
    } else {
      hold.push(offer);
    }
  }
  return { write, skip, hold, mark: { seq, ahead }, lost };
}

// Two copies of one batch may be in hand: the one that knows more goes first.
const bySeqThenHighestFloor = <O extends Offer>(offers: readonly O[]): O[] =>
  [...offers].sort((a, b) => a.seq - b.seq || b.floor - a.floor);
