import type { Worker } from 'node:cluster';
import type { OwnMetrics, ToWorker } from './messages.ts';

/** How long a worker may take to tell its metrics. Less than the worker that was asked for all of them waits. */
const TELL_MS = 2_000;

/**
 * The primary's sum of its workers' metrics. A worker that hangs is counted as silent. What it told last, and what one that has
 * died told last, stays in the counters and histograms: a sum that fell would look like a restart of the service.
 */
export interface WorkerMetrics {
  /** From now on the worker is asked too, for as long as it lives. */
  add(worker: Worker): void;
  /** What a worker said. */
  told(worker: Worker, message: { readonly id: number; readonly metrics: OwnMetrics }): void;
  /** In Prometheus' text format. Those who ask at the same time get the same. */
  read(): Promise<string>;
}

/** What a living worker told, and in which round. */
interface Told {
  readonly round: number;
  readonly metrics: OwnMetrics;
}

export function createWorkerMetrics(): WorkerMetrics {
  const tellers = new Map<Worker, Told | undefined>();
  /** What the dead have counted. */
  let ofTheDead: readonly OwnMetrics[] = [];
  let round = 0;
  let reading: Promise<string> | undefined;
  let heard: () => void = () => undefined;

  /** @returns what those told last who were asked and live, once each has answered, or died, or had its time */
  const askAll = (): Promise<readonly (Told | undefined)[]> => {
    round += 1;
    const asked = [...tellers.keys()];
    const answers = () => asked.filter((worker) => tellers.has(worker)).map((worker) => tellers.get(worker));
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(late);
        heard = () => undefined;
        resolve(answers());
      };
      const late = setTimeout(finish, TELL_MS);
      heard = () => {
        if (answers().every((told) => told?.round === round)) finish();
      };
      for (const worker of asked) tell(worker, { type: 'spillway:tell-metrics', id: round });
      heard();
    });
  };

  const addUp = async (): Promise<string> => {
    const { AggregatorRegistry } = await import('prom-client');
    const all = await askAll();
    const answers = all.flatMap((told) => (told?.round === round ? [told.metrics] : []));
    const silent = all.flatMap((told) => (told === undefined || told.round === round ? [] : [counted(told.metrics)]));
    const workers = {
      name: 'spillway_links_workers',
      help: 'Worker processes: those that told their figures, and those that did not tell them in time',
      type: 'gauge',
      aggregator: 'sum',
      values: [
        { labels: { state: 'answering' }, value: answers.length },
        { labels: { state: 'silent' }, value: all.length - answers.length },
      ],
    };
    const dead = ofTheDead;
    const text = await AggregatorRegistry.aggregate([...answers, ...silent, ...dead, [workers]]).metrics();
    // However many die, one sum of them is kept. Others may have died meanwhile.
    if (dead.length > 1) {
      const sum = await AggregatorRegistry.aggregate([...dead]).getMetricsAsJSON();
      ofTheDead = [sum, ...ofTheDead.filter((each) => !dead.includes(each))];
    }
    return text;
  };

  return {
    add(worker) {
      tellers.set(worker, undefined);
      worker.once('exit', () => {
        const last = tellers.get(worker);
        tellers.delete(worker);
        if (last !== undefined) ofTheDead = [...ofTheDead, counted(last.metrics)];
        heard();
      });
    },
    told(worker, { id, metrics }) {
      if (!tellers.has(worker)) return;
      tellers.set(worker, { round: id, metrics });
      heard();
    },
    read() {
      reading ??= addUp().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}

/** What goes on counting when its worker does not: no gauges, which say how it is now. */
const counted = (metrics: OwnMetrics): OwnMetrics =>
  metrics.filter(({ type }) => ['counter', 'histogram'].includes(String(type)));

/** Does nothing when the worker is gone. */
export function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}
