import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Values by labels, read at each scrape from what the service counts anyway: nothing is done per request. */
export type Read = () => readonly (readonly [labels: Record<string, string>, value: number])[];

/** One series of a histogram. */
export interface Distribution {
  readonly labels: Record<string, string>;
  /** How many fell between each bound and the one before; the last is what is above all bounds. */
  readonly buckets: Iterable<number>;
  readonly sumMs: number;
}

/** Adds metrics to a registry whose values are the service's own numbers. */
export interface OwnMetrics {
  counter(name: string, help: string, labelNames: string[], read: Read): void;
  /** `workers`: what the values of several processes are together. Default `sum`. */
  gauge(name: string, help: string, labelNames: string[], read: Read, workers?: 'sum' | 'max' | 'min'): void;
  histogram(
    name: string,
    help: string,
    labelNames: string[],
    boundsMs: readonly number[],
    read: () => Iterable<Distribution>,
  ): void;
}

export function createOwnMetrics(registry: Registry): OwnMetrics {
  const registers = [registry];
  return {
    counter(name, help, labelNames, read) {
      new Counter({
        name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          for (const [labels, value] of read()) this.inc(labels, value);
        },
      });
    },
    gauge(name, help, labelNames, read, aggregator = 'sum') {
      new Gauge({
        name,
        help,
        labelNames,
        aggregator,
        registers,
        collect() {
          this.reset();
          for (const [labels, value] of read()) this.set(labels, value);
        },
      });
    },
    histogram(name, help, labelNames, boundsMs, read) {
      const bounds = boundsMs.map((ms) => ms / 1_000);
      const histogram = new Histogram({ name, help, labelNames, buckets: bounds, registers });
      // prom-client can not be given buckets that are filled already: what it is asked for at a scrape is answered here.
      const get = async () => ({
        name,
        help,
        type: 'histogram',
        aggregator: 'sum',
        values: [...read()].flatMap((series) => samples(name, bounds, series)),
      });
      Object.assign(histogram, { get, getForPromString: get });
    },
  };
}

function samples(name: string, bounds: readonly number[], { labels, buckets, sumMs }: Distribution) {
  let total = 0;
  const values = [...buckets].map((count, at) => {
    total += count;
    return { labels: { ...labels, le: bounds[at] ?? '+Inf' }, value: total, metricName: `${name}_bucket` };
  });
  return [
    ...values,
    { labels, value: sumMs / 1_000, metricName: `${name}_sum` },
    { labels, value: total, metricName: `${name}_count` },
  ];
}
