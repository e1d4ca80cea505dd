import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FleetingMap } from './fleeting-map.ts';

type Step = { readonly does: 'add' | 'delete' | 'clear'; readonly key: string };

const steps = fc.array(
  fc.record<Step>({
    does: fc.constantFrom('add', 'add', 'add', 'delete', 'delete', 'clear'),
    key: fc.constantFrom('a', 'b', 'c', '__proto__', ''),
  }),
  { maxLength: 60 },
);

test('does what a Map does', () =>
  fc.assert(
    fc.property(steps, (all) => {
      const map = new FleetingMap<{ readonly at: number }>();
      const model = new Map<string, { readonly at: number }>();
      for (const [at, { does, key }] of all.entries()) {
        if (does === 'add' && !model.has(key)) {
          map.add(key, { at });
          model.set(key, { at });
        }
        if (does === 'delete') {
          map.delete(key);
          model.delete(key);
        }
        if (does === 'clear') {
          map.clear();
          model.clear();
        }
        expect(map.size).toBe(model.size);
        for (const each of ['a', 'b', 'c', '__proto__', '']) expect(map.get(each)).toEqual(model.get(each));
        expect(map.values()).toEqual([...model.values()]);
      }
    }),
  ));

// Only collections of the young generation, as between two full ones; thirty values at a time, each there for a moment.
const CHURN = `
  const { FleetingMap } = await import(process.argv[1]);
  const map = new FleetingMap();
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 100_000; i += 1) {
    map.add('key ' + i, new Array(200).fill(i));
    if (i >= 30) map.delete('key ' + (i - 30));
    if (i % 1_000 === 0) gc({ type: 'minor' });
  }
  gc({ type: 'minor' });
  console.log((process.memoryUsage().heapUsed - before) / 100_000);
`;

test('what was deleted dies young: of 1,600 bytes a value, next to nothing but the key is left', () => {
  const module = new URL('./fleeting-map.ts', import.meta.url).href;
  const args = ['--expose-gc', '--max-semi-space-size=16', '--input-type=module', '--eval', CHURN, module];
  expect(Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))).toBeLessThan(300);
});
