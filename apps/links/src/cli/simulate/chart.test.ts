import { parsePolicy } from '@spillway/limit';
import { expect, test } from 'vitest';
import { limitsChart } from './chart.ts';
import { createSimulation } from './simulation.ts';

const START = Date.UTC(2015, 4, 17, 10);
const policy = parsePolicy({ strategy: 'fixed-window', name: 'fixed', limit: 1, window: '1m' });

function chartOf(label: string, times: readonly number[]): string {
  const simulation = createSimulation([{ label, policy }]);
  for (const atMs of times) simulation.request('a', atMs);
  return limitsChart(simulation.result({ worst: 0 }));
}

/** The heights of the bars of a class, in the units of the drawing. */
function heights(svg: string, name: string): number[] {
  const path = new RegExp(`<path class="${name}" d="([^"]*)"`).exec(svg)?.[1] ?? '';
  return [...path.matchAll(/M\S+ (\S+)V(\S+)h/g)].map(([, from, to]) => Number(from) - Number(to));
}

test('bars are as high as the counts, limited on top of allowed', () => {
  const svg = chartOf(
    '1/m',
    [0, 0, 0, 0, 600_000].map((afterMs) => START + afterMs),
  );
  // One of four passes, then one alone; an axis to 4 over a plot of 126.
  expect(heights(svg, 'allowed')).toEqual([31.5, 31.5]);
  expect(heights(svg, 'limited')).toEqual([94.5]);
  expect(svg).toContain('1/m: 3 of 5 requests limited (60.00 %), 1 of 1 clients');
});

test('a name is text, whatever it holds', () => {
  const svg = chartOf('<script>&"\u0007', [START]);
  expect(svg).toContain('&lt;script&gt;&amp;&quot;: 0 of 1');
  expect(svg).not.toContain('<script');
  expect(svg).not.toContain('\u0007');
});

test('one request and a century of them are drawn, in a modest size', () => {
  expect(chartOf('x', [START])).not.toMatch(/NaN|Infinity/);
  const century = chartOf(
    'x',
    Array.from({ length: 5000 }, (_, at) => at * 8e8),
  );
  expect(century).not.toMatch(/NaN|Infinity/);
  expect(century.length).toBeLessThan(30_000);
});
