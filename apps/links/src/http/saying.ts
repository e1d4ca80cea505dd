import { z } from 'zod';

/** What a value is, for messages: short, and never a whole body. */
export const shown = (value: unknown): string => {
  // JSON has no word for 1e400, which it reads as infinite.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
};

/** As much of a complaint as its sentence is made from. */
interface Complaint {
  readonly code?: string | undefined;
  readonly input?: unknown;
  /** The schema that complains. */
  readonly inst?: unknown;
}

/** Every complaint of a schema as one sentence: the remedy, then the value. Not for passwords. */
export const saying = (remedy: string) => ({
  error: (issue: Complaint) => {
    if (issue.code === 'unrecognized_keys') return `is not known here; leave it out, or take one of ${namesIn(issue)}`;
    return issue.input === undefined ? `is missing; it ${remedy}` : `${remedy}, got ${shown(issue.input)}`;
  },
});

const namesIn = ({ inst }: Complaint): string =>
  inst instanceof z.ZodObject ? Object.keys(inst.shape).join(', ') : 'those that are described at /docs';

/** As `saying`, for lists and secrets: how much there is instead of what. */
export const sayingLength = (remedy: string) => ({
  error: ({ input }: { input?: unknown }) =>
    `${remedy}, got ${Array.isArray(input) || typeof input === 'string' ? input.length : shown(input)}`,
});

/** An RFC 3339 time in the future. What is no time at all is not said to be in the past besides. */
export const futureTime = z.iso
  .datetime({ offset: true, abort: true, ...saying('must be a time like 2030-01-31T12:00:00Z') })
  .refine((time) => Date.parse(time) > Date.now(), saying('must be in the future'))
  .refine((time) => Date.parse(time) < Date.UTC(10_000, 0), saying('must be before the year 10000'));

/** The size of a page, from a query. Digits alone: `Number` would take 1e3 and 0x10 as well. */
export const pageSize = (usual: number) => {
  const says = saying('must be a whole number from 1 to 1000');
  const size = z
    .int({ abort: true, ...says })
    .min(1, says)
    .max(1_000, says);
  const read = (sent: unknown) => (typeof sent === 'string' && /^\d+$/.test(sent) ? Number(sent) : sent);
  return z.preprocess(read, size).default(usual).meta({ default: usual });
};
