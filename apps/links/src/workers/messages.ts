import type { Registry } from 'prom-client';
import type { Failure } from '../cli/failure.ts';

/** A worker's own metrics, as prom-client adds them up. */
export type OwnMetrics = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** What a worker process tells the primary, and is told. */
export type FromWorker =
  | { readonly type: 'spillway:ready'; readonly port: number }
  | { readonly type: 'spillway:failed'; readonly failure: Failure }
  | { readonly type: 'spillway:read-metrics'; readonly id: number }
  | { readonly type: 'spillway:own-metrics'; readonly id: number; readonly metrics: OwnMetrics };

export type ToWorker =
  | { readonly type: 'spillway:tell-metrics'; readonly id: number }
  | { readonly type: 'spillway:metrics'; readonly id: number; readonly text: string }
  | { readonly type: 'spillway:metrics'; readonly id: number; readonly error: string };

/** The worker's number, 1 to `WORKERS`, in its environment. It keeps it when it is started again. */
export const NUMBER_VARIABLE = 'SPILLWAY_WORKER_NUMBER';
