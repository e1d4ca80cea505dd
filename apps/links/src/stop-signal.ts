/** Resolves with the first SIGTERM or SIGINT. The second one ends the process at once. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let stopping = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (stopping) process.exit(128 + (signal === 'SIGTERM' ? 15 : 2));
        stopping = true;
        resolve(signal);
      });
    }
  });
}
