import type { RequestRecorder } from '../requests/recorder.ts';
import type { RequestLog } from '../requests/request-log.ts';
import type { OwnMetrics } from './own-metrics.ts';

/** As those of clicks. No values with `REQUESTS_KEEP=off`. */
export function addRequestLog(
  { events, sink }: RequestLog,
  recorder: Pick<RequestRecorder, 'thinned'>,
  { counter, gauge }: OwnMetrics,
): void {
  counter('spillway_links_requests_total', 'Requests accepted by their log, and counted by the sink', ['stage'], () => {
    if (events === undefined) return [];
    const { accepted, counted } = events.stats();
    return [
      [{ stage: 'accepted' }, accepted],
      [{ stage: 'counted' }, counted],
    ];
  });
  counter('spillway_links_requests_dropped_total', 'Recorded requests that will never be counted', ['reason'], () =>
    Object.entries(events?.stats().dropped ?? {}).map(([reason, value]) => [{ reason }, value]),
  );
  gauge('spillway_links_requests_pending', 'Recorded requests in ring and spool', [], () =>
    events === undefined ? [] : [[{}, events.stats().pending]],
  );
  gauge(
    'spillway_links_requests_lag_seconds',
    'Age of the oldest batch of requests that is not counted',
    [],
    () => (events === undefined ? [] : [[{}, events.stats().lagMs / 1_000]]),
    'max',
  );
  counter('spillway_links_requests_thinned_total', 'API requests that one of many stood for', [], () => [
    [{}, recorder.thinned],
  ]);
  counter(
    'spillway_links_requests_written_total',
    'Requests that this process has written for all',
    ['outcome'],
    () => {
      if (sink === undefined) return [];
      const { events: written, deadLettered } = sink.stats();
      return [
        [{ outcome: 'written' }, written],
        [{ outcome: 'dead-letter' }, deadLettered],
      ];
    },
  );
}
