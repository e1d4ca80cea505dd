import type { FieldError } from './problem.ts';

/** As much of a zod issue as is told. */
export interface IssueLike {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string | undefined;
  readonly keys?: unknown;
}

/** Issues as a problem's `errors`; an object's unknown keys are named one by one. `prefix` is e.g. `"query."`. */
export function toFieldErrors(issues: readonly IssueLike[], prefix = ''): FieldError[] {
  return issues.flatMap(({ path, message, code, keys }) => {
    const at = path.map(String).filter((part) => part !== '');
    if (code === 'unrecognized_keys' && Array.isArray(keys)) {
      return keys.map((key) => ({
        field: `${prefix}${[...at, String(key)].join('.')}`.slice(0, 200),
        message,
      }));
    }
    return [{ field: `${prefix}${at.join('.')}`.slice(0, 200) || 'body', message }];
  });
}
