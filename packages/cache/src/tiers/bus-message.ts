import type { Outdated } from '../core/outdated.ts';

export type { Outdated } from '../core/outdated.ts';

/**
 * What goes over the bus: keys and tags, never values. Two instances that set one key at the same time would otherwise swap their values for
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
  /** The same of all that is under these tags. */
  | {
      readonly kind: Outdated;
      readonly tags: readonly string[];
      readonly pendingBy?: string | undefined;
    }
  | { readonly kind: 'replayed'; readonly tags: readonly string[]; readonly as: Outdated; readonly by: string }
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
  const { kind, keys, tags, as, by, pendingBy } = parsed as Record<string, unknown>;
  if (kind === 'lost') return { kind };
  const about = areStrings(keys) ? { keys } : areStrings(tags) ? { tags } : undefined;
  if (about === undefined) return undefined;
  if (kind === 'replayed') return isOutdated(as) && typeof by === 'string' ? { kind, ...about, as, by } : undefined;
  if (!isOutdated(kind)) return undefined;
  return pendingBy === undefined || typeof pendingBy === 'string' ? { kind, ...about, pendingBy } : undefined;
}

const areStrings = (list: unknown): list is string[] =>
  Array.isArray(list) && list.every((each) => typeof each === 'string');
const isOutdated = (kind: unknown): kind is Outdated => kind === 'invalidated' || kind === 'expired';
