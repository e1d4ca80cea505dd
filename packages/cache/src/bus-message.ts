/**
 * What goes over the bus: keys, never values. Two instances that set one key at the same time would otherwise swap their values for
 * ever. `"*"` says that its sender does not know which keys.
 */
export function toMessage(keys: readonly string[] | 'all'): string {
  return JSON.stringify(keys === 'all' ? '*' : keys);
}

/** Undefined for a message that nobody here could have sent. */
export function toTargets(message: string): readonly string[] | 'all' | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (parsed === '*') return 'all';
  if (!Array.isArray(parsed) || !parsed.every((key) => typeof key === 'string')) return undefined;
  return parsed;
}
