import cluster from 'node:cluster';
import { CliError, EXIT, type Failure } from '../cli/failure.ts';
import type { Config } from '../config.ts';
import { createLogger, type Logger } from '../log.ts';
import { stopSignal } from '../stop-signal.ts';
import { type FromWorker, NUMBER_VARIABLE } from './messages.ts';
import { killWorkers, stopWorkers } from './stop-workers.ts';
import { createWorkerMetrics, tell } from './worker-metrics.ts';

/** A worker that ran so long before it died is started again at once; sooner, after twice the last pause. */
const HEALTHY_MS = 60_000;
const PAUSE_MS = { first: 100, most: 10_000 };

export interface Ready {
  readonly port: number;
}

/**
 * `WORKERS=n`: n processes on one port. The primary serves nothing itself: it starts workers, starts them again with growing
 * pauses when they die, adds up their metrics, and passes the signal to stop on.
 * @returns the exit code: 1 if a worker had to be killed to stop, else 0
 * @throws {CliError} with the words of a worker that could not even start
 */
export async function runPrimary(config: Config, onReady: (ready: Ready) => void): Promise<number> {
  const log = createLogger({ level: config.logLevel, instance: config.instance });
  const stop = stopSignal((exitCode) => {
    killWorkers();
    process.exit(exitCode);
  });
  // A worker that dies before it was ever ready will not do better the second time.
  const hopeless = await new Promise<Failure | undefined>((resolve) => {
    startAll(config, log, onReady, resolve);
    stop.then(() => resolve(undefined));
  });
  stopping = true;
  const stopCode = await stopWorkers(log, hopeless === undefined ? 'serving' : 'starting');
  if (hopeless !== undefined) throw new CliError(hopeless.message, { exitCode: hopeless.exitCode });
  return stopCode;
}

let stopping = false;

function startAll(
  config: Config,
  log: Logger,
  onReady: (ready: Ready) => void,
  onHopeless: (failure: Failure) => void,
): void {
  const metrics = createWorkerMetrics();
  const readyNumbers = new Set<number>();
  let announced = false;
  const start = (number: number, pauseMs: number) => {
    if (stopping) return;
    const worker = cluster.fork({ [NUMBER_VARIABLE]: number, PORT: config.port });
    const startedMs = performance.now();
    let failure: Failure | undefined;
    const answerMetrics = (id: number) =>
      metrics.read().then(
        (text) => tell(worker, { type: 'spillway:metrics', id, text }),
        (error) => tell(worker, { type: 'spillway:metrics', id, error: String(error) }),
      );
    const becomeReady = ({ port }: Ready) => {
      metrics.add(worker);
      readyNumbers.add(number);
      if (announced || readyNumbers.size < config.workers) return;
      announced = true;
      onReady({ port });
    };
    worker.on('message', (message: FromWorker) => {
      switch (message.type) {
        case 'spillway:ready':
          return becomeReady(message);
        case 'spillway:failed':
          failure = message.failure;
          return;
        case 'spillway:own-metrics':
          return metrics.told(worker, message);
        case 'spillway:read-metrics':
          return void answerMetrics(message.id);
        default:
          return message satisfies never;
      }
    });
    const hasEnded = (code: number | null, signal: string | null) => {
      if (stopping) return;
      if (!readyNumbers.has(number)) {
        const message = `Worker ${number} ended before it was ready (${signal ?? code})`;
        return onHopeless(failure ?? { message, exitCode: EXIT.failed });
      }
      const nextPauseMs =
        performance.now() - startedMs >= HEALTHY_MS ? PAUSE_MS.first : Math.min(pauseMs * 2, PAUSE_MS.most);
      const why = failure === undefined ? {} : { said: failure.message };
      log.warn({ worker: number, code, signal, pauseMs, ...why }, 'a worker died and is started again');
      setTimeout(() => start(number, nextPauseMs), pauseMs);
    };
    worker.on('exit', (code, signal) => {
      // Its last words may still be on the line.
      if (worker.isConnected()) worker.once('disconnect', () => hasEnded(code, signal));
      else hasEnded(code, signal);
    });
  };
  for (let number = 1; number <= config.workers; number += 1) start(number, PAUSE_MS.first);
}
