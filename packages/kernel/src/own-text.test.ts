import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ownText } from './own-text.ts';

test('is the same text, whatever characters it holds', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0xffff })), (codes) => {
      const text = String.fromCharCode(...codes);
      expect(ownText(text)).toBe(text);
    }),
  ));

const KEPT = `
  const { ownText } = await import(process.argv[1]);
  const cut = (at) => (at + ' is the key, and this is the rest: ' + 'x'.repeat(10_000)).slice(0, 20);
  const held = () => (gc(), process.memoryUsage().heapUsed);
  const before = held();
  const own = Array.from({ length: 1_000 }, (_, at) => ownText(cut(at)));
  const afterOwn = held();
  const kept = Array.from({ length: 1_000 }, (_, at) => cut(at));
  const afterKept = held();
  console.log(JSON.stringify([afterOwn - before, afterKept - afterOwn, own.length + kept.length]));
`;

test('keeps nothing of the text that it was cut out of', () => {
  const module = new URL('./own-text.ts', import.meta.url).href;
  const args = ['--expose-gc', '--input-type=module', '--eval', KEPT, module];
  const [own = 0, kept = 0] = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as number[];
  expect(own).toBeLessThan(200_000);
  // Else there is nothing that it saves from.
  expect(kept).toBeGreaterThan(5_000_000);
});
