import { ConfigurationError, type Issue } from '@spillway/kernel';
import type { LatencySummary } from './latency-histogram.ts';

/** One request. `{{n}}` in path, headers and body becomes the request's number, counted from 0. */
export interface LoadRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface LoadPlan {
  /** `http://127.0.0.1:port`, one or several: connections are dealt out to them in turns. Loopback only. */
  readonly targets: readonly string[];
  readonly requests: readonly LoadRequest[];
  /** In which order the requests are made; `zipf`: the first of them most often. Default `turns`. */
  readonly order?: 'turns' | 'random' | 'zipf';
  /** Default 1. */
  readonly zipfExponent?: number;
  /** Of `random` and `zipf`, and of the clients' order. Default 1. */
  readonly seed?: number;
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** That many client addresses, 10.0.0.0 upwards, take turns in `X-Forwarded-For`. Default: no such header. */
  readonly clients?: number;
  /** Default 16. */
  readonly connections?: number;
  /** Requests a second over all connections, whatever the answers (open loop). Default: as fast as they come (closed loop). */
  readonly rate?: number;
  /**
   * How the generator waits for answers. `awake`: by asking the kernel again and again, at the price of a whole core. A generator that
   * sleeps has to be woken by an interrupt to its core, and that is done, and paid for, by the *server* as it writes its answer: on
   * a virtual machine several microseconds, and the more often the less busy the generator is. Default `asleep`.
   */
  readonly waits?: 'asleep' | 'awake';
  /** End after that many requests, or that long; else on `stop()`. */
  readonly total?: number;
  readonly durationMs?: number;
  /** A request without an answer for so long is given up, with its connection. Default 10,000. */
  readonly timeoutMs?: number;
  /** The response header that names who answered, e.g. `x-served-by`. Default: who answered is the target. */
  readonly servedBy?: string;
}

export interface LoadProgress {
  readonly sent: number;
  readonly answered: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without a whole answer: `refused`, `reset`, `closed`, `timeout`, `malformed`. */
  readonly errors: Readonly<Record<string, number>>;
}

export interface LoadReport extends LoadProgress {
  readonly durationMs: number;
  readonly answeredPerSecond: number;
  /**
   * From the start that was intended to the last byte of the answer: under open loop a late start counts as waiting. Intended
   * starts come in bursts, once a millisecond.
   */
  readonly latency: LatencySummary;
  /** The same for each second of the run, by when the answers came. */
  readonly seconds: readonly (LatencySummary & { readonly second: number })[];
  /** Redirects (301, 302, 307, 308) seen: per server, pairs of wall clock millisecond and count, ascending. */
  readonly redirects: Readonly<Record<string, readonly (readonly [atMs: number, count: number])[]>>;
  /** Redirects seen per request of the plan, in its order. */
  readonly redirectsByRequest: readonly number[];
  /** The `Location` of the latest redirect per request of the plan; undefined where there was none. */
  readonly locations: readonly (string | undefined)[];
  /** CPU time of the generator: when it nears the duration, the generator was the bottleneck. */
  readonly cpuMs: number;
}

/**
 * Redirects that the client saw from `server` (default: all) from one wall clock millisecond to another, both included. For the
 * last 100 ms of a killed process: from 100 ms before the kill was sent until its end was noticed, since answers that it sent
 * in that time may reach the client after the kill.
 */
export function redirectsSeen(
  report: Pick<LoadReport, 'redirects'>,
  window: { readonly server?: string; readonly fromMs: number; readonly untilMs: number },
): number {
  const { server, fromMs, untilMs } = window;
  const series = server === undefined ? Object.values(report.redirects) : [report.redirects[server] ?? []];
  return series.flat().reduce((sum, [at, count]) => (at >= fromMs && at <= untilMs ? sum + count : sum), 0);
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** @throws {ConfigurationError} with everything that is wrong with it */
export function checkPlan(plan: LoadPlan): void {
  const issues: Issue[] = [];
  const wrong = (path: string, message: string) => issues.push({ path, message });
  if (plan.targets.length === 0) wrong('targets', 'must name at least one server');
  for (const [i, target] of plan.targets.entries()) {
    const url = URL.canParse(target) ? new URL(target) : undefined;
    if (url?.protocol !== 'http:') wrong(`targets[${i}]`, `must be an http: URL, got "${target}"`);
    else if (!LOOPBACK.test(url.hostname))
      wrong(`targets[${i}]`, `load goes to this machine only, got "${url.hostname}"`);
  }
  if (plan.requests.length === 0) wrong('requests', 'must hold at least one request');
  for (const [i, { path }] of plan.requests.entries()) {
    if (!/^\/[\x21-\x7e]*$/.test(path))
      wrong(`requests[${i}].path`, `must start with "/" and be encoded, got "${path}"`);
  }
  for (const name of ['connections', 'clients', 'total'] as const) {
    const value = plan[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      wrong(name, `must be an integer >= 1, got ${value}`);
  }
  for (const name of ['rate', 'durationMs', 'timeoutMs'] as const) {
    const value = plan[name];
    if (value !== undefined && !(value > 0)) wrong(name, `must be above 0, got ${value}`);
  }
  if (issues.length > 0) throw new ConfigurationError('The load can not be made:', issues);
}
