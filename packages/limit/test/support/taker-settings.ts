export interface TakerSettings {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly instance: string;
  readonly keys: readonly string[];
  readonly capacity: number;
  readonly perSecond: number;
}

export interface TakerReport {
  /** Live instances at `go`. */
  readonly instances: number;
  readonly keys: Record<string, { store: number; share: number; denied: number }>;
}
