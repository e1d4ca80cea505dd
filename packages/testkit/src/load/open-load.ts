import { spawnProcess } from '../processes/spawn-process.ts';
import { checkPlan, type LoadPlan, type LoadProgress, type LoadReport, type LoadRequest } from './load-plan.ts';

/** `LoadPlan` with short forms for the common case. */
export type LoadOptions = Omit<LoadPlan, 'targets' | 'requests'> & {
  /** Where to; several take turns. */
  readonly url: string | readonly string[];
  /** Requests, or plain paths to GET. */
  readonly requests: readonly (LoadRequest | string)[];
};

export interface Load extends AsyncDisposable {
  /** Of the generator. */
  readonly pid: number;
  /** At most 50 ms old. */
  readonly progress: LoadProgress;
  /** Resolves when the plan's total or duration is through, or after `stop()`. */
  readonly done: Promise<LoadReport>;
  /** No more requests; those in flight get 2 s. */
  stop(): Promise<LoadReport>;
  close(): Promise<void>;
}

/**
 * Starts an HTTP load generator in a process of its own: raw sockets, keep-alive, one request in flight per connection, closed
 * loop or, with `rate`, open loop. Sends to the loopback only.
 * @throws {ConfigurationError} with everything that is wrong with the options
 */
export function openLoad(options: LoadOptions): Load {
  const { url, requests, ...rest } = options;
  const plan: LoadPlan = {
    ...rest,
    targets: typeof url === 'string' ? [url] : url,
    requests: requests.map((request) => (typeof request === 'string' ? { path: request } : request)),
  };
  checkPlan(plan);
  let progress: LoadProgress = { sent: 0, answered: 0, statuses: {}, errors: {} };
  const report = Promise.withResolvers<LoadReport>();
  report.promise.catch(() => {});
  const child = spawnProcess({
    name: 'load generator',
    module: new URL('./load-main.ts', import.meta.url),
    // Its lines are answers to us, not to be kept as a log.
    keepLines: 20,
    onLine(line, from) {
      if (from === 'stderr') return;
      const message = JSON.parse(line) as { progress?: LoadProgress; report?: LoadReport };
      if (message.progress !== undefined) progress = message.progress;
      if (message.report !== undefined) {
        progress = message.report;
        report.resolve(message.report);
      }
    },
  });
  child.write(`${JSON.stringify(plan)}\n`);
  child.exited.then(({ code, signal }) => {
    report.reject(
      new Error(`The load generator ended (${code ?? signal}) before its report:\n${child.stderr.join('\n')}`),
    );
  });
  const close = () => child.close();
  return {
    pid: child.pid,
    get progress() {
      return progress;
    },
    done: report.promise,
    stop() {
      child.write('stop\n');
      return report.promise;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
