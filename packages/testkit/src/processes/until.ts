import { setTimeout as pause } from 'node:timers/promises';

/**
 * Waits for a condition: asks again until the answer is truthy, and returns it. An error counts as "not yet", and is the cause
 * of the final one.
 * @throws {Error} after `timeoutMs` (10,000), naming `what` and the last answer
 */
export async function until<Answer>(
  condition: () => Answer | Promise<Answer>,
  options: { readonly timeoutMs?: number; readonly everyMs?: number; readonly what?: string } = {},
): Promise<Exclude<Answer, false | 0 | '' | null | undefined>> {
  const { timeoutMs = 10_000, everyMs = 10, what = 'the condition' } = options;
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  let cause: unknown;
  for (;;) {
    try {
      const answer = await condition();
      if (answer) return answer as Exclude<Answer, false | 0 | '' | null | undefined>;
      last = answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      const answer = cause === undefined ? `last answer: ${String(last)}` : `last error: ${String(cause)}`;
      throw new Error(`Waited ${timeoutMs} ms for ${what} in vain; ${answer}`, { cause });
    }
    await pause(everyMs);
  }
}
