/**
 * The producer's half of the protocol, as pure steps over its window: the batches that left the spool file's tail for the
 * transport and whose commit is not known yet. Shared with the model in test/property.
 */

export interface Slot {
  readonly seq: number;
  /** What the transport answered when it took the batch; undefined while it is (again) to be sent. */
  readonly receipt: string | undefined;
  /** The floor that went out with it. */
  readonly floorSent: number;
}

/** Every seq up to this one is out of the spool. The slots are in order of seq, and lowest first; none held: all up to `last`. */
export const floorOf = (slots: readonly Slot[], last: number): number => (slots[0]?.seq ?? last + 1) - 1;

/** Splits off what the watermark has passed. Only this frees a batch: never the transport's word. */
export function settle<S extends Slot>(slots: readonly S[], watermark: number): { settled: S[]; slots: S[] } {
  const first = slots.findIndex((slot) => slot.seq > watermark);
  const at = first === -1 ? slots.length : first;
  return { settled: slots.slice(0, at), slots: slots.slice(at) };
}

/** What to send now. After a send whose outcome is unknown only one batch goes, so that retries can not flood the transport. */
export function toSend<S extends Slot>(slots: readonly S[], lastSend: 'answered' | 'unknown', most: number): S[] {
  const unsent: S[] = [];
  for (const slot of slots) {
    if (slot.receipt !== undefined) continue;
    unsent.push(slot);
    if (unsent.length >= (lastSend === 'unknown' ? 1 : most)) break;
  }
  return unsent;
}

/** Marks what the transport no longer holds as to be sent again. */
export const forget = <S extends Slot>(slots: readonly S[], missing: ReadonlySet<string>): S[] =>
  slots.map((slot) =>
    slot.receipt !== undefined && missing.has(slot.receipt) ? { ...slot, receipt: undefined } : slot,
  );

/**
 * A watermark below the floor means a hole that only a newer floor can close (a damaged batch, a database that lost commits):
 * the first batch goes out again, if it was sent with an older one.
 */
export function raiseFloor<S extends Slot>(slots: readonly S[], watermark: number): S[] {
  const [first, ...rest] = slots;
  if (first === undefined) return [];
  const floor = first.seq - 1;
  const stuck = watermark < floor && first.floorSent < floor && first.receipt !== undefined;
  return [stuck ? { ...first, receipt: undefined } : first, ...rest];
}
