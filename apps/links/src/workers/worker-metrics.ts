import type { Worker } from 'node:cluster';
import type { OwnMetrics, ToWorker } from './messages.ts';

/** How long a worker may take to tell its metrics. Less than the worker that was asked for all of them waits. */
const TELL_MS = 2_000;

/** The primary's sum of its workers' metrics. A worker that hangs is left out, and counted as silent. */
export interface WorkerMetrics {
  /** From now on the worker is asked too, for as long as it lives. */
  add(worker: Worker): void;
  /** What a worker said. */
  told(worker: Worker, message: { readonly id: number; readonly metrics: OwnMetrics }): void;
  /** In Prometheus' text format. Those who ask at the same time get the same. */
  read(): Promise<string>;
}

export function createWorkerMetrics(): WorkerMetrics {
  const tellers = new Set<Worker>();
  let round = 0;
  let reading: Promise<string> | undefined;
  let hear: (worker: Worker, metrics: OwnMetrics | undefined) => void = () => undefined;

  const askAll = (): Promise<readonly (OwnMetrics | undefined)[]> => {
    round += 1;
    const answers = new Map<Worker, OwnMetrics | undefined>([...tellers].map((worker) => [worker, undefined]));
    return new Promise((resolve) => {
      let missing = answers.size;
      const finish = () => {
        clearTimeout(late);
        hear = () => undefined;
        resolve([...answers.values()]);
      };
      const late = setTimeout(finish, TELL_MS);
      hear = (worker, metrics) => {
        // One that has just died is no longer a worker, and not silent.
        if (metrics === undefined) answers.delete(worker);
        else answers.set(worker, metrics);
        missing -= 1;
        if (missing === 0) finish();
      };
      for (const worker of answers.keys()) tell(worker, { type: 'spillway:tell-metrics', id: round });
      if (missing === 0) finish();
    });
  };

  return {
    add(worker) {
      tellers.add(worker);
      worker.once('exit', () => {
        tellers.delete(worker);
        hear(worker, undefined);
      });
    },
    told(worker, { id, metrics }) {
      if (id === round) hear(worker, metrics);
    },
    read() {
      reading ??= askAll()
        .then(addUp)
        .finally(() => {
          reading = undefined;
        });
      return reading;
    },
  };
}

/** Does nothing when the worker is gone. */
export function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}

async function addUp(answers: readonly (OwnMetrics | undefined)[]): Promise<string> {
  const { AggregatorRegistry } = await import('prom-client');
  const told = answers.filter((metrics) => metrics !== undefined);
  const workers = {
    name: 'spillway_links_workers',
    help: 'Worker processes: those whose figures are in here, and those that did not tell them in time',
    type: 'gauge',
    aggregator: 'sum',
    values: [
      { labels: { state: 'answering' }, value: told.length },
      { labels: { state: 'silent' }, value: answers.length - told.length },
    ],
  };
  return AggregatorRegistry.aggregate([...told, [workers]]).metrics();
}
