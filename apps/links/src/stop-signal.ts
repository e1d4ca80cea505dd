/**
 * A signal this soon after the first is its echo, not a second wish: Ctrl-C reaches every process of the terminal, and npm and
 * supervisors pass it on once more.
 */
const ECHO_MS = 2_000;

/** What a service manager, Ctrl-C and a terminal that closes send, and their numbers. */
const SIGNALS = { SIGTERM: 15, SIGINT: 2, SIGHUP: 1 } as const;

export type StopSignal = keyof typeof SIGNALS;

export const isStopSignal = (signal: string): signal is StopSignal => Object.hasOwn(SIGNALS, signal);

/**
 * Resolves with the first of them. Who sends another after a while wants the end now: `hurry` gets the exit code for
 * that, and by default ends the process with it.
 */
export function stopSignal(hurry: (exitCode: number) => void = process.exit): Promise<StopSignal> {
  return new Promise((resolve) => {
    let stoppingSinceMs: number | undefined;
    for (const signal of Object.keys(SIGNALS).filter(isStopSignal)) {
      process.on(signal, () => {
        stoppingSinceMs ??= performance.now();
        if (performance.now() - stoppingSinceMs >= ECHO_MS) hurry(128 + SIGNALS[signal]);
        resolve(signal);
      });
    }
  });
}
