import type { Registry } from 'prom-client';
import { type FromWorker, NUMBER_VARIABLE, type ToWorker } from './messages.ts';

/** A worker's end of the line to the primary. */
export interface WorkerSide {
  /** `instance-w1` and so on: spools and metrics of workers stay apart. */
  nameOf(instance: string): string;
  ready(message: { port: number; madeAdminKey: string | undefined }): void;
  /** The metrics of all workers together. */
  readMetrics(): Promise<string>;
  /** Lets the primary read this worker's. */
  offer(registry: Registry): Promise<void>;
}

const PATIENCE_MS = 6_000;

export function openWorkerSide(variables: NodeJS.ProcessEnv): WorkerSide {
  let lastId = 0;
  const waiting = new Map<number, { resolve(text: string): void; reject(error: Error): void }>();
  const send = (message: FromWorker) => process.send?.(message);
  process.on('message', (message: ToWorker) => {
    if (message.type !== 'spillway:metrics') return;
    const waiter = waiting.get(message.id);
    waiting.delete(message.id);
    if ('text' in message) waiter?.resolve(message.text);
    else waiter?.reject(new Error(message.error));
  });
  return {
    nameOf: (instance) => `${instance}-w${variables[NUMBER_VARIABLE] ?? process.pid}`,
    ready: (message) => void send({ type: 'spillway:ready', ...message }),
    readMetrics: () =>
      new Promise((resolve, reject) => {
        lastId += 1;
        const id = lastId;
        const late = setTimeout(() => {
          waiting.delete(id);
          reject(new Error('The other workers did not tell their metrics in time'));
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
    async offer(registry) {
      const { AggregatorRegistry } = await import('prom-client');
      AggregatorRegistry.setRegistries(registry);
      // Its constructor is what listens to the primary's questions.
      new AggregatorRegistry();
    },
  };
}
