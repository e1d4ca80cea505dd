import type { Labels } from './labels.ts';

/** Where metrics are kept: what the packages say becomes numbers through this, whoever asks for them. */
export interface MetricSet {
  /** Name without `spillway_`. By convention ends in `_total`. */
  counter(name: string, help: string, labels: Labels): Tally;
  /** `aggregator`: what the value of several worker processes is together. `refresh` is called each time before it is read. */
  gauge(name: string, help: string, labels: Labels, aggregator: 'sum' | 'min' | 'max', refresh?: () => void): Level;
  /** `buckets` in the unit of the name, growing. */
  histogram(name: string, help: string, labels: Labels, buckets: readonly number[]): Observer;
  /** Takes all of them out again. */
  close(): void;
}

export interface Tally {
  add(by: number, first: string, second?: string, third?: string): void;
}

export interface Level {
  set(value: number, first: string, second?: string, third?: string): void;
  /** Never below 0: what began before anybody listened may end now. */
  move(by: number, first: string, second?: string, third?: string): void;
}

export interface Observer {
  observe(value: number, first: string, second?: string): void;
}
