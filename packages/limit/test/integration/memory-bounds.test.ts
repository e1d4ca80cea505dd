// What a process holds on to after a hundred thousand keys, and after ten times as many: in a process of its own, after collections.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { startRedis } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { memoryScenarios } from '../support/memory-scenarios.ts';

const MB = 1_000_000;

/** With the default `maxKeys` of 100,000 and keys of 39 characters: what the reference page states. */
const STATED_MB: Readonly<Record<string, number>> = {
  'token-bucket': 16,
  gcra: 16,
  'fixed-window': 22,
  quota: 22,
  'sliding-window': 28,
  'sliding-log': 48,
  'sliding-log, 7 entries a key': 48 + 6 * 8,
  concurrency: 60,
  'mode share': 16,
  ids: 22,
  blocks: 16,
  'local blocks': 44,
  'local blocks of two policies': 44 + 26,
  redis: 8,
};

const statedMb = (scenario: string): number =>
  STATED_MB[scenario] ?? STATED_MB[scenario.replace(/, keys .*/, '')] ?? Number.NaN;

async function heldAfterStages(scenario: string, env: Readonly<Record<string, string>> = {}): Promise<number[]> {
  const child = new URL('../support/memory-child.ts', import.meta.url).pathname;
  const args = ['--expose-gc', '--conditions=spillway-source', child, scenario];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as number[];
}

function expectBounded([, many = 0, more = Number.NaN, ...rest]: readonly number[], mb: number): void {
  expect(rest).toEqual([]);
  expect(many / MB).toBeLessThan(mb);
  expect(more / MB).toBeLessThan(mb);
  // Flat: half a million further keys, or tens of thousands of dear ones, leave nothing.
  expect((more - many) / MB).toBeLessThan(1);
}

describe('G7: memory', () => {
  const inProcess = Object.keys(memoryScenarios).filter((name) => name !== 'redis');

  test.each(inProcess)('of %s stays within what is stated, however many keys come', async (scenario) => {
    expectBounded(await heldAfterStages(scenario), statedMb(scenario));
  });

  test('of the client of a Redis store does not grow with a million keys', async () => {
    await using redis = await startRedis();
    expectBounded(await heldAfterStages('redis', { REDIS_URL: redis.url }), statedMb('redis'));
  });

  test('is what the reference page states', () => {
    const page = readFileSync(new URL('../../../../docs/2.reference/memory.md', import.meta.url), 'utf8');
    const listed = [...page.matchAll(/^\| `([^`]+)`[^|]*\| (\d+) MB \|/gm)].map(([, name, mb]) => [name, Number(mb)]);
    const own = Object.entries(STATED_MB).filter(([name]) => !name.includes(', ') && !name.includes(' of two'));
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(own));
  });
});
