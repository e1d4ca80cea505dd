/**
 * Counters, gauges and histograms that are cheap to move: plain numbers, handed to prom-client when somebody scrapes. prom-client's own
 * `inc` and `observe` join and hash the labels on every call, which is too much beside a redirect.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import { finite, type Labels, MAX_SERIES, named } from '../channels/labels.ts';
import type { MetricSet } from '../channels/metric-set.ts';
import { createLabelTree, type LabelTree } from '../core/label-tree.ts';
import { createHistogram } from './histogram.ts';

interface Cell {
  value: number;
}

export function createMetricSet(registry: Registry): MetricSet {
  const names: string[] = [];
  const base = (name: string, help: string, labels: Labels) => {
    names.push(`spillway_${name}`);
    return { name: `spillway_${name}`, help, labelNames: [...labels], registers: [registry] };
  };
  const cellsFor = (labels: Labels): LabelTree<Cell> =>
    createLabelTree<Cell>(labels.length, MAX_SERIES, () => ({ value: 0 }));

  return {
    counter(name, help, labels) {
      const cells = cellsFor(labels);
      new Counter({
        ...base(name, help, labels),
        collect() {
          this.reset();
          for (const [values, { value }] of cells.entries()) this.inc(named(labels, values), value);
        },
      });
      return {
        add(by, first, second, third) {
          const amount = finite(by);
          cells.at(first, second, third).value += amount;
        },
      };
    },
    gauge(name, help, labels, aggregator, refresh) {
      const cells = cellsFor(labels);
      new Gauge({
        ...base(name, help, labels),
        aggregator,
        collect() {
          refresh?.();
          this.reset();
          for (const [values, { value }] of cells.entries()) this.set(named(labels, values), value);
        },
      });
      return {
        set(value, first, second, third) {
          const level = finite(value);
          cells.at(first, second, third).value = level;
        },
        move(by, first, second, third) {
          const change = finite(by);
          const cell = cells.at(first, second, third);
          cell.value = Math.max(0, cell.value + change);
        },
      };
    },
    histogram: (name, help, labels, buckets) => createHistogram(base(name, help, labels), labels, buckets),
    close() {
      for (const name of names) registry.removeSingleMetric(name);
    },
  };
}
