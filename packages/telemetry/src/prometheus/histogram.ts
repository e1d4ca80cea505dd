import { Histogram, type Registry } from 'prom-client';
import { finite, type Labels, MAX_SERIES, named } from '../channels/labels.ts';
import type { Observer } from '../channels/metric-set.ts';
import { createLabelTree, type LabelTree } from '../core/label-tree.ts';

interface Distribution {
  /** Per bucket, not yet added up; the last is what is above all bounds. */
  readonly counts: Float64Array;
  sum: number;
}

interface Sample {
  readonly metricName: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

export function createHistogram(
  base: { name: string; help: string; labelNames: string[]; registers: Registry[] },
  labels: Labels,
  buckets: readonly number[],
): Observer {
  const cells = createLabelTree<Distribution>(labels.length, MAX_SERIES, () => ({
    counts: new Float64Array(buckets.length + 1),
    sum: 0,
  }));
  const histogram = new Histogram({ ...base, buckets: [...buckets] });
  // prom-client has no way to set a histogram's buckets, so what it is asked for at a scrape is answered here.
  const get = async () => ({
    name: base.name,
    help: base.help,
    type: 'histogram',
    aggregator: 'sum',
    values: [...samples(base.name, labels, buckets, cells)],
  });
  Object.assign(histogram, { get, getForPromString: get });
  return {
    observe(value, first, second) {
      let bucket = 0;
      while (bucket < buckets.length && finite(value) > (buckets[bucket] ?? 0)) bucket += 1;
      const cell = cells.at(first, second);
      cell.counts[bucket] = (cell.counts[bucket] ?? 0) + 1;
      cell.sum += value;
    },
  };
}

function* samples(
  name: string,
  labels: Labels,
  buckets: readonly number[],
  cells: LabelTree<Distribution>,
): Generator<Sample> {
  for (const [values, { counts, sum }] of cells.entries()) {
    const own = named(labels, values);
    let count = 0;
    for (const [at, inBucket] of counts.entries()) {
      count += inBucket;
      yield { metricName: `${name}_bucket`, labels: { ...own, le: buckets[at] ?? '+Inf' }, value: count };
    }
    yield { metricName: `${name}_sum`, labels: own, value: sum };
    yield { metricName: `${name}_count`, labels: own, value: count };
  }
}
