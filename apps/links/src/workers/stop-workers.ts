import cluster, { type Worker } from 'node:cluster';
import type { Logger } from '../log.ts';
import { isStopSignal } from '../stop-signal.ts';

/** The 10 s that a stop may take in all, and a little. */
const PATIENCE_MS = 11_000;

const livingWorkers = (): Worker[] =>
  Object.values(cluster.workers ?? {}).filter((worker): worker is Worker => worker?.isDead() === false);

/** `starting`: how they end is no matter, since what one of them could not do the others can not. */
type Doing = 'serving' | 'starting';

/** SIGTERM to all workers. One that hangs is killed in the end. @returns the exit code: 1 when not all ended as they should */
export async function stopWorkers(log: Logger, doing: Doing): Promise<number> {
  const codes = await Promise.all(livingWorkers().map((worker) => stopWorker(worker, log, doing)));
  return Math.max(0, ...codes);
}

/** Ctrl-C again: nobody wants to wait. */
export function killWorkers(): void {
  for (const worker of livingWorkers()) worker.process.kill('SIGKILL');
}

function stopWorker(worker: Worker, log: Logger, doing: Doing): Promise<number> {
  const { pid } = worker.process;
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      log.error({ pid }, `a worker did not stop within ${PATIENCE_MS} ms and is killed`);
      worker.process.kill('SIGKILL');
    }, PATIENCE_MS);
    worker.once('exit', (code, signal) => {
      clearTimeout(late);
      // By the signal itself: it had not yet begun to serve.
      const asked = doing === 'starting' || code === 0 || isStopSignal(signal);
      if (!asked) log.error({ pid, code, signal }, 'a worker did not end as it should');
      resolve(asked ? 0 : 1);
    });
    worker.process.kill('SIGTERM');
  });
}
