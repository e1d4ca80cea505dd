/** Series per metric. Labels are names from a program's configuration, so this is never met unless something is wrong. */
export const MAX_SERIES = 1000;

export type Labels = readonly [string] | readonly [string, string] | readonly [string, string, string];

/** Label names with their values. */
export const named = (labels: Labels, values: readonly string[]): Record<string, string> =>
  Object.fromEntries(labels.map((label, at) => [label, values[at] ?? '']));

/** One NaN would stay for ever in a sum, and prom-client refuses it at the scrape, with all the rest. */
export function finite(value: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`A metric's value must be a finite number, got ${value}`);
  return value;
}
