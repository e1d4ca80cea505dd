import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';

test('a log that can not be written ends nothing', () => {
  const module = new URL('./log.ts', import.meta.url).href;
  const script = `
    import { createLogger } from ${JSON.stringify(module)};
    const log = createLogger({ level: 'info', instance: 'x' });
    for (let line = 0; line < 10; line += 1) log.warn('nobody reads this');
    setImmediate(() => console.log('alive'));`;
  const full = openSync('/dev/full', 'w');
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', full],
    encoding: 'utf8',
  });
  closeSync(full);
  expect(stdout).toBe('alive\n');
  expect(status).toBe(0);
});
