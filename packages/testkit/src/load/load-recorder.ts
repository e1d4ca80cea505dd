import { createLatencyHistogram } from './latency-histogram.ts';
import type { LoadPlan, LoadProgress, LoadReport } from './load-plan.ts';
import type { Response } from './response-reader.ts';

export type LoadError = 'refused' | 'reset' | 'closed' | 'timeout' | 'malformed';

export interface LoadRecorder {
  sent(): void;
  answered(response: Response, index: number, target: string, latencyUs: number): void;
  failed(error: LoadError): void;
  readonly done: number;
  progress(): LoadProgress;
  report(): LoadReport;
}

/** Gathers what a run of the generator saw. */
export function createLoadRecorder(plan: LoadPlan): LoadRecorder {
  const startedAt = performance.now();
  const cpuAtStart = process.cpuUsage();
  const all = createLatencyHistogram();
  const window = createLatencyHistogram();
  const seconds: LoadReport['seconds'][number][] = [];
  const statuses = new Map<number, number>();
  const errors = new Map<LoadError, number>();
  const redirects = new Map<string, Map<number, number>>();
  const byRequest = new Uint32Array(plan.requests.length);
  const heads: (string | undefined)[] = new Array(plan.requests.length);
  const servedBy = plan.servedBy === undefined ? undefined : headerPattern(plan.servedBy);
  let sent = 0;
  let answered = 0;
  let failed = 0;
  let second = 0;

  const closeWindow = (next: number) => {
    const summary = window.summary();
    if (summary.count > 0) seconds.push({ second, ...summary });
    window.reset();
    second = next;
  };

  const sawRedirect = (response: Response, index: number, target: string) => {
    const server = servedBy === undefined ? target : (servedBy.exec(response.head)?.[1] ?? target);
    let series = redirects.get(server);
    if (series === undefined) {
      series = new Map();
      redirects.set(server, series);
    }
    increment(series, Date.now());
    byRequest[index] = (byRequest[index] ?? 0) + 1;
    heads[index] = response.head;
  };

  const progress = (): LoadProgress => ({
    sent,
    answered,
    statuses: Object.fromEntries(statuses),
    errors: Object.fromEntries(errors),
  });

  return {
    sent: () => void sent++,
    answered(response, index, target, latencyUs) {
      answered++;
      const now = Math.floor((performance.now() - startedAt) / 1_000);
      if (now !== second) closeWindow(now);
      all.record(latencyUs);
      window.record(latencyUs);
      increment(statuses, response.status);
      if (response.status > 300 && response.status < 309 && response.status !== 304)
        sawRedirect(response, index, target);
    },
    failed(error) {
      failed++;
      increment(errors, error);
    },
    get done() {
      return answered + failed;
    },
    progress,
    report() {
      closeWindow(second);
      const durationMs = performance.now() - startedAt;
      const cpu = process.cpuUsage(cpuAtStart);
      const location = headerPattern('location');
      return {
        ...progress(),
        durationMs,
        answeredPerSecond: (answered / durationMs) * 1_000,
        latency: all.summary(),
        seconds,
        redirects: Object.fromEntries([...redirects].map(([server, series]) => [server, [...series]])),
        redirectsByRequest: [...byRequest],
        locations: Array.from(heads, (head) => (head === undefined ? undefined : location.exec(head)?.[1])),
        cpuMs: (cpu.user + cpu.system) / 1_000,
      };
    },
  };
}

const headerPattern = (name: string) => new RegExp(`\\n${name}: *([^\\r\\n]*)`, 'i');

function increment<Key>(map: Map<Key, number>, key: Key): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}
