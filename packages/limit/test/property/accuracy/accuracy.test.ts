import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { contestants, LIMIT, loads, measure } from './measure.ts';
import { accuracyPage } from './page.ts';

const clean = Object.keys(loads).filter((load) => !load.includes('clocks'));

describe.each(clean)('G2: under a load that is %s', (load) => {
  test.each(contestants)('$name admits no more than it states, and no less', (contestant) => {
    const { mostInWindow, toLog } = measure(contestant, load);
    expect(mostInWindow).toBeLessThanOrEqual(contestant.most);
    if (contestant.least !== undefined && load === 'steady')
      expect(toLog).toBeGreaterThanOrEqual(contestant.least - 0.005);
  });
});

test('the measure tells what is known: a fixed window doubles at its edge, a log never does and never refuses too early', () => {
  const byName = new Map(contestants.map((contestant) => [contestant.name, contestant]));
  const at = (name: string) => measure(byName.get(name) ?? raise(name), 'at the edges');
  expect(at('fixed window, aligned').mostInWindow).toBe(2 * LIMIT);
  expect(at('sliding log')).toMatchObject({ mostInWindow: LIMIT, toLog: 1, roomAtRefusal: 0 });
});

test('the page is what was measured', async () => {
  const page = await readFile(new URL('../../../../../docs/2.reference/accuracy.md', import.meta.url), 'utf8');
  expect(page).toBe(accuracyPage());
});

function raise(name: string): never {
  throw new Error(`no contestant ${name}`);
}
