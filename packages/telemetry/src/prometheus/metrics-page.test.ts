import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { collectPrometheus } from './collect-prometheus.ts';

// Those of the service, `spillway_links_...`, are held to the page by the service's own test.
test('the reference page lists every metric of the packages with its kind, labels and aggregation, and no other', async () => {
  const registry = new Registry();
  const collection = collectPrometheus({ registry });
  const labelsOf = (metric: object): string[] => ('labelNames' in metric ? (metric.labelNames as string[]) : []);
  const real = await Promise.all(
    registry.getMetricsAsArray().map(async (metric) => {
      const { name, type, aggregator } = (await registry.getSingleMetric(metric.name)?.get()) ?? metric;
      const labels = labelsOf(metric).map((label) => `\`${label}\``);
      return `| \`${name}\` | ${type} | ${labels.join(', ')} | ${aggregator} |`;
    }),
  );
  collection.close();
  const page = readFileSync(new URL('../../../../docs/2.reference/metrics.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| `spillway_(?!links_)\w+` \| \w+ \| [^|]+ \| \w+ \|/gm)].map(([row]) => row);
  expect(listed.sort()).toEqual(real.sort());
});
