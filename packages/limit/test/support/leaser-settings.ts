/** What a store does that breaks the promise of leases: to prove that the checker sees it. */
export type LeaserMutant = 'spending before reserving' | 'a lease that survives its window';

export interface LeaserSettings {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly instance: string;
  /** Admissions are written to it, one a line, before the next take. */
  readonly file: string;
  readonly deadline: '50ms' | '20s';
  readonly maxAgeMs: number;
  readonly mutant?: LeaserMutant;
}

/** Units and rate of both policies: a bucket, and a window of one second that begins with the second. */
export const CAPACITY = 400;
export const PER_SECOND = 400;

/** One admission of one unit. */
export interface Admission {
  readonly policy: 'bucket' | 'window';
  readonly key: string;
  readonly by: 'store' | 'lease' | 'share';
  /**
   * When it happened: where this machine's monotonic clock stood when it was spent here; or, by the `store`, where the store's clock
   * stood when it was charged. In microseconds.
   */
  readonly atUs: number;
}
