/** What a worker process tells the primary, and is told. */
export type FromWorker =
  | { readonly type: 'spillway:ready'; readonly port: number; readonly madeAdminKey: string | undefined }
  | { readonly type: 'spillway:read-metrics'; readonly id: number };

export type ToWorker =
  | { readonly type: 'spillway:metrics'; readonly id: number; readonly text: string }
  | { readonly type: 'spillway:metrics'; readonly id: number; readonly error: string };

/** The worker's number, 1 to `WORKERS`, in its environment. It keeps it when it is started again. */
export const NUMBER_VARIABLE = 'SPILLWAY_WORKER_NUMBER';
