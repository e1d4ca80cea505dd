import cluster from 'node:cluster';
import type { Registry } from 'prom-client';
import type { Failure } from '../cli/failure.ts';
import { type FromWorker, NUMBER_VARIABLE, type ToWorker } from './messages.ts';

/** A worker's end of the line to the primary. */
export interface WorkerSide {
  /** `instance-w1` and so on: spools and metrics of workers stay apart. */
  nameOf(instance: string): string;
  ready(message: { port: number }): void;
  /** Says why it could not start. Resolves once that is on its way. */
  fail(failure: Failure): Promise<void>;
  /** The metrics of all workers together. */
  readMetrics(): Promise<string>;
  /** Lets the primary read this worker's. */
  offer(registry: Registry): void;
  /** Resolves when the primary is no more. */
  readonly gone: Promise<void>;
}

const PATIENCE_MS = 6_000;

export function openWorkerSide(variables: NodeJS.ProcessEnv): WorkerSide {
  let lastId = 0;
  let offered: Registry | undefined;
  const waiting = new Map<number, { resolve(text: string): void; reject(error: Error): void }>();
  const send = (message: FromWorker, sent: () => void = () => undefined) => {
    if (!process.connected) return sent();
    // A callback, since what can not be sent any more would end the process as an error that nobody heard.
    process.send?.(message, undefined, undefined, () => sent());
  };
  const tell = async (id: number) => {
    if (offered !== undefined) send({ type: 'spillway:own-metrics', id, metrics: await offered.getMetricsAsJSON() });
  };
  process.on('message', (message: ToWorker) => {
    // Who does not tell is counted as silent.
    if (message.type === 'spillway:tell-metrics') return void tell(message.id).catch(() => undefined);
    const waiter = waiting.get(message.id);
    waiting.delete(message.id);
    if ('text' in message) waiter?.resolve(message.text);
    else waiter?.reject(new Error(message.error));
  });
  const gone = new Promise<void>((resolve) => {
    cluster.worker?.once('disconnect', () => {
      // Else Node ends the process here and now, with requests under way and clicks in memory.
      if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
      resolve();
    });
  });
  return {
    nameOf: (instance) => `${instance}-w${variables[NUMBER_VARIABLE] ?? process.pid}`,
    ready: ({ port }) => send({ type: 'spillway:ready', port }),
    fail: (failure) => new Promise((resolve) => send({ type: 'spillway:failed', failure }, resolve)),
    readMetrics: () =>
      new Promise((resolve, reject) => {
        lastId += 1;
        const id = lastId;
        const late = setTimeout(() => {
          waiting.delete(id);
          reject(new Error('The primary did not tell the metrics of all workers in time'));
        }, PATIENCE_MS);
        waiting.set(id, {
          resolve: (text) => {
            clearTimeout(late);
            resolve(text);
          },
          reject: (error) => {
            clearTimeout(late);
            reject(error);
          },
        });
        send({ type: 'spillway:read-metrics', id });
      }),
    offer(registry) {
      offered = registry;
    },
    gone,
  };
}
