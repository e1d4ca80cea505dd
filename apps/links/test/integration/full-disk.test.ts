import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, smallDisk, spawnProcess } from '@spillway/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { COMMAND, spillway } from '../support/spillway.ts';

/** Takes all the room that is left. */
function fill(disk: string): void {
  const file = openSync(join(disk, 'ballast'), 'w');
  try {
    for (let size = 65_536; size >= 1; size = size >> 1) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size));
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
      }
    }
  } finally {
    closeSync(file);
  }
}

test('G6: a full disk is named, with the remedy, at the start and to whoever creates a link', async ({ skip }) => {
  const mounted = smallDisk({ kib: 4_096 });
  if (mounted === undefined)
    return skip('this user may not mount a small file system; run it as root, outside of a container');
  onTestFinished(() => mounted.close());
  const { path: disk } = mounted;
  const port = await freePort();
  const env = { HOST: '127.0.0.1', PORT: String(port), DATA_DIR: disk, LOG_LEVEL: 'silent' };
  const refusesToStart = async () => {
    const { code, stdout, stderr } = await spillway(['links'], { env });
    expect(stderr).toMatch(/^DATA_DIR: .*$/);
    expect(stderr).toContain(`DATA_DIR: the disk of "${disk}" is full (`);
    expect(stderr).toContain('; free some space there, or choose a directory on another disk');
    expect(stdout).not.toContain('ready');
    expect(code).toBe(1);
  };
  fill(disk);
  await refusesToStart();
  rmSync(join(disk, 'ballast'));
  expect(await spillway(['migrate'], { env })).toMatchObject({ code: 0 });
  fill(disk);
  await refusesToStart();
  rmSync(join(disk, 'ballast'));

  await using service = spawnProcess({
    name: 'spillway links',
    module: COMMAND,
    env: { ...env, ADMIN_KEY: 'admin-key-for-tests-0123' },
    readyWhen: (line) => line.includes('Spillway is ready'),
  });
  await service.ready;
  // With it come the ids of the ones below.
  expect((await create(port, 'https://first.example/')).status).toBe(201);
  fill(disk);
  // Room that the log of the database has already is still used up first.
  let answer = { status: 201, detail: '' };
  for (let n = 0; answer.status === 201 && n < 5000; n += 1) answer = await create(port, `https://full.example/${n}`);
  expect(answer.status).toBe(503);
  expect(answer.detail).toContain('is out of space; free some on the disk of DATA_DIR');
  rmSync(join(disk, 'ballast'));
  expect((await create(port, 'https://room.example/')).status).toBe(201);
});

async function create(port: number, url: string): Promise<{ status: number; detail: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/links`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': 'admin-key-for-tests-0123' },
    body: JSON.stringify({ url }),
  });
  const { detail = '' } = (await answer.json()) as { detail?: string };
  return { status: answer.status, detail };
}
