import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = fileURLToPath(new URL('../../src/run.ts', import.meta.url));

test.each(['limit-memory', 'limit-redis', 'limit-redis-peers', 'limit-lease', 'limit-bytes', 'limit-mistake'])(
  'the benchmark %s runs, and every contestant answers rightly',
  async (name) => {
    // It ends with 1 when a benchmark gives no figure.
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--conditions=spillway-source', run, '--smoke', name],
      { timeout: 120_000 },
    );
    expect(stderr).not.toContain('gave no figure');
    expect(stdout).toMatch(new RegExp(`^${name}: .+\\?$`, 'm'));
  },
);
