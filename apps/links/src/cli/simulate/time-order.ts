/**
 * Puts requests into the order of their times, as far as that can be done within a stretch of time: servers write a line when a
 * request ends, and several workers write one log. Equal times keep the order of the log.
 */
export interface TimeOrder {
  add(subject: string, atMs: number): void;
  /** Passes on what is still held. */
  end(): void;
  /** Requests that came behind one with a later time. */
  disordered(): number;
  /** Of them, those that came too late to be put in order: they are passed on as they come, a clock that goes back. */
  late(): number;
}

export function createTimeOrder(
  pass: (subject: string, atMs: number) => void,
  options: { readonly withinMs: number; readonly mostHeld?: number },
): TimeOrder {
  const { withinMs, mostHeld = 1_000_000 } = options;
  // By their time: logs have whole seconds, so that there are few of them.
  const held = new Map<number, string[]>();
  let count = 0;
  let newestMs = -Infinity;
  let earliestMs = Infinity;
  let passedMs = -Infinity;
  let disordered = 0;
  let late = 0;
  const passTime = (atMs: number) => {
    const subjects = held.get(atMs) ?? [];
    held.delete(atMs);
    count -= subjects.length;
    passedMs = atMs;
    for (const subject of subjects) pass(subject, atMs);
  };
  const passBefore = (beforeMs: number) => {
    const due = [...held.keys()].filter((atMs) => atMs < beforeMs).sort((a, b) => a - b);
    for (const atMs of due) passTime(atMs);
    earliestMs = Math.min(...held.keys());
  };
  return {
    add(subject, atMs) {
      if (atMs < newestMs) disordered += 1;
      if (atMs < passedMs) late += 1;
      if (atMs < passedMs || withinMs === 0) {
        newestMs = Math.max(newestMs, atMs);
        passedMs = Math.max(passedMs, atMs);
        pass(subject, atMs);
        return;
      }
      const together = held.get(atMs);
      if (together === undefined) held.set(atMs, [subject]);
      else together.push(subject);
      count += 1;
      newestMs = Math.max(newestMs, atMs);
      earliestMs = Math.min(earliestMs, atMs);
      // Not with every new second: to look through all that is held is worth it for many of them.
      if (newestMs - earliestMs > withinMs + withinMs / 8) passBefore(newestMs - withinMs);
      while (count > mostHeld) passBefore(earliestMs + 1);
    },
    end: () => passBefore(Infinity),
    disordered: () => disordered,
    late: () => late,
  };
}
