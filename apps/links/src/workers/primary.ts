import cluster, { type Worker } from 'node:cluster';
import type { Config } from '../config.ts';
import { createLogger, type Logger } from '../log.ts';
import { stopSignal } from '../stop-signal.ts';
import { type FromWorker, NUMBER_VARIABLE, type ToWorker } from './messages.ts';

/** A worker that ran so long before it died is started again at once; sooner, after twice the last pause. */
const HEALTHY_MS = 60_000;
const PAUSE_MS = { first: 100, most: 10_000 };

export interface Ready {
  readonly port: number;
  readonly madeAdminKey: string | undefined;
}

/**
 * `WORKERS=n`: n processes on one port. The primary serves nothing itself: it starts workers, starts them again with growing
 * pauses when they die, adds up their metrics, and passes the signal to stop on.
 * @returns the exit code: that of a worker which could not even start, else 0
 */
export async function runPrimary(config: Config, onReady: (ready: Ready) => void): Promise<number> {
  const log = createLogger({ level: config.logLevel, instance: config.instance });
  const stop = stopSignal();
  // A worker that dies before it was ever ready will not do better the second time: what it said stands on stderr.
  const outcome = await new Promise<{ readonly exitCode: number }>((resolve) => {
    startAll(config, log, onReady, (exitCode) => resolve({ exitCode }));
    stop.then(() => resolve({ exitCode: 0 }));
  });
  await stopAll();
  return outcome.exitCode;
}

let stopping = false;

function startAll(
  config: Config,
  log: Logger,
  onReady: (ready: Ready) => void,
  onHopeless: (exitCode: number) => void,
): void {
  const readyNumbers = new Set<number>();
  let announced = false;
  let madeAdminKey: string | undefined;
  const start = (number: number, pauseMs: number) => {
    if (stopping) return;
    const worker = cluster.fork({ [NUMBER_VARIABLE]: number, PORT: config.port });
    const startedMs = performance.now();
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'spillway:read-metrics') void answerMetrics(worker, message.id);
      if (message.type !== 'spillway:ready') return;
      readyNumbers.add(number);
      madeAdminKey ??= message.madeAdminKey;
      if (announced || readyNumbers.size < config.workers) return;
      announced = true;
      onReady({ port: message.port, madeAdminKey });
    });
    worker.on('exit', (code, signal) => {
      if (stopping) return;
      if (!readyNumbers.has(number)) {
        onHopeless(code === 0 || code === null ? 1 : code);
        return;
      }
      const nextPauseMs =
        performance.now() - startedMs >= HEALTHY_MS ? PAUSE_MS.first : Math.min(pauseMs * 2, PAUSE_MS.most);
      log.warn({ worker: number, code, signal, pauseMs }, 'a worker died and is started again');
      setTimeout(() => start(number, nextPauseMs), pauseMs);
    });
  };
  for (let number = 1; number <= config.workers; number += 1) start(number, PAUSE_MS.first);
}

async function answerMetrics(worker: Worker, id: number): Promise<void> {
  const reply = (message: ToWorker) => {
    if (worker.isConnected()) worker.send(message);
  };
  try {
    reply({ type: 'spillway:metrics', id, text: await readAll() });
  } catch (error) {
    reply({ type: 'spillway:metrics', id, error: error instanceof Error ? error.message : String(error) });
  }
}

let aggregator: Promise<{ clusterMetrics(): Promise<string> }> | undefined;

async function readAll(): Promise<string> {
  aggregator ??= import('prom-client').then(({ AggregatorRegistry }) => new AggregatorRegistry());
  return (await aggregator).clusterMetrics();
}

async function stopAll(): Promise<void> {
  stopping = true;
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve) => {
          worker.once('exit', () => resolve());
          worker.process.kill('SIGTERM');
        }),
    ),
  );
}
