/** An `expired` value may still stand in where nothing newer is to be had; an `invalidated` one may not. */
export type Outdated = 'invalidated' | 'expired';

/**
 * What goes over the bus: keys, never values. Two instances that set one key at the same time would otherwise swap their values for
 * ever.
 */
export type Notice =
  /** Their values have changed. `pendingBy`: that instance has not reached the store yet, which may hold the old ones until `replayed`. */
  | {
      readonly kind: Outdated;
      readonly keys: readonly string[];
      readonly pendingBy?: string | undefined;
    }
  /** What was pending has been deleted from the store. */
  | { readonly kind: 'replayed'; readonly keys: readonly string[]; readonly as: Outdated; readonly by: string }
  /** The sender lost track of what it could not delete. */
  | { readonly kind: 'lost' };

export const toMessage = (notice: Notice): string => JSON.stringify(notice);

/** Undefined for a message that nobody here could have sent. */
export function toNotice(message: string): Notice | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { kind, keys, as, by, pendingBy } = parsed as Record<string, unknown>;
  if (kind === 'lost') return { kind };
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) return undefined;
  if (kind === 'replayed') return isOutdated(as) && typeof by === 'string' ? { kind, keys, as, by } : undefined;
  if (!isOutdated(kind)) return undefined;
  return pendingBy === undefined || typeof pendingBy === 'string' ? { kind, keys, pendingBy } : undefined;
}

const isOutdated = (kind: unknown): kind is Outdated => kind === 'invalidated' || kind === 'expired';
