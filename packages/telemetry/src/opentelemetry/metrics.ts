import type { Attributes, Meter, ObservableCounter, ObservableResult } from '@opentelemetry/api';
import { finite, type Labels, MAX_SERIES, named } from '../channels/labels.ts';
import type { MetricSet } from '../channels/metric-set.ts';
import { createLabelTree, type LabelTree } from '../core/label-tree.ts';

interface Cell {
  value: number;
  readonly attributes: Attributes;
}

/**
 * Counters and gauges are plain numbers that the SDK reads when it exports; histograms are told each value. Attributes are made once
 * for each combination, of which a metric has as many as a Prometheus one has series.
 */
export function createMetricSet(meter: Meter): MetricSet {
  const endings: (() => void)[] = [];
  const cellsFor = (labels: Labels): LabelTree<Cell> =>
    createLabelTree<Cell>(labels.length, MAX_SERIES, (values) => ({ value: 0, attributes: named(labels, values) }));
  const observe = (instrument: ObservableCounter, cells: LabelTree<Cell>, refresh?: () => void): void => {
    const callback = (result: ObservableResult): void => {
      refresh?.();
      for (const [, { value, attributes }] of cells.entries()) result.observe(value, attributes);
    };
    instrument.addCallback(callback);
    endings.push(() => instrument.removeCallback(callback));
  };
  return {
    counter(name, help, labels) {
      const cells = cellsFor(labels);
      const { text, unit } = instrumentName(name);
      observe(meter.createObservableCounter(text, { description: help, unit }), cells);
      return {
        add(by, first, second, third) {
          const amount = finite(by);
          cells.at(first, second, third).value += amount;
        },
      };
    },
    gauge(name, help, labels, _aggregator, refresh) {
      const cells = cellsFor(labels);
      const { text, unit } = instrumentName(name);
      observe(meter.createObservableGauge(text, { description: help, unit }), cells, refresh);
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
    histogram(name, help, labels, buckets) {
      const cells = cellsFor(labels);
      const { text, unit } = instrumentName(name);
      const advice = { explicitBucketBoundaries: [...buckets] };
      const histogram = meter.createHistogram(text, { description: help, unit, advice });
      return { observe: (value, first, second) => histogram.record(finite(value), cells.at(first, second).attributes) };
    },
    close() {
      for (const end of endings) end();
    },
  };
}

/**
 * `limit_decisions_total` -> `spillway.limit.decisions`, `events_lag_seconds` -> `spillway.events.lag` in `s`: the names from which an exporter
 * to Prometheus makes the ones that the Prometheus adapter has.
 */
function instrumentName(name: string): { readonly text: string; readonly unit: string } {
  const bare = name.replace(/_total$/, '').replace('_', '.');
  if (bare.endsWith('_seconds')) return { text: `spillway.${bare.slice(0, -'_seconds'.length)}`, unit: 's' };
  if (bare.endsWith('_bytes')) return { text: `spillway.${bare.slice(0, -'_bytes'.length)}`, unit: 'By' };
  return { text: `spillway.${bare}`, unit: '' };
}
