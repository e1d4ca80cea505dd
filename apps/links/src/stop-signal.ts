/**
 * A signal this soon after the first is its echo, not a second wish: Ctrl-C reaches every process of the terminal, and npm and
 * supervisors pass it on once more.
 */
const ECHO_MS = 2_000;

/**
 * Resolves with the first SIGTERM or SIGINT. Who sends another after a while wants the end now: `hurry` gets the exit code for
 * that, and by default ends the process with it.
 */
export function stopSignal(hurry: (exitCode: number) => void = process.exit): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let stoppingSinceMs: number | undefined;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        stoppingSinceMs ??= performance.now();
        if (performance.now() - stoppingSinceMs >= ECHO_MS) hurry(128 + (signal === 'SIGTERM' ? 15 : 2));
        resolve(signal);
      });
    }
  });
}
