import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

// A process of its own: the flags are the process's, and vitest's own young generation has long grown.
const SCRIPT = `
  import { getHeapSpaceStatistics } from 'node:v8';
  const megabytes = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 2 ** 20;
  const { tuneEngine } = await import(process.argv[1]);
  const live = [];
  const fill = () => {
    for (let i = 0; i < 1_000_000; i += 1) {
      live.push({ i });
      if (live.length === 100_000) live.length = 0;
    }
  };
  if (process.argv[2] === 'tuned') tuneEngine();
  fill();
  console.log(megabytes());
`;

function youngGenerationMb(how: 'tuned' | 'untuned'): number {
  const engine = new URL('./engine.ts', import.meta.url).href;
  const args = ['--conditions=spillway-source', '--input-type=module', '--eval', SCRIPT, engine, how];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

test('the young generation stays as large as it was when the engine was tuned', () => {
  expect(youngGenerationMb('untuned')).toBeGreaterThan(2 * youngGenerationMb('tuned'));
});
