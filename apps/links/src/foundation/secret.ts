import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../startup-error.ts';

/** The secret of an embedded service: made at the first start, readable by its user alone, and the same ever after. */
export function keptSecret(dataDir: string): string {
  const file = join(dataDir, 'secret');
  if (!existsSync(file)) makeSecret(dataDir, file);
  const secret = readFileSync(file, 'utf8').trim();
  if (secret.length >= 16) return secret;
  throw new StartupError(
    `"${file}" does not hold a secret any more; restore it from a backup (short codes are made with it)`,
  );
}

/**
 * Written and synced under another name first: a process or a machine that dies meanwhile leaves no secret, never half of one.
 * Nobody else does so: an embedded service has the directory to itself.
 */
function makeSecret(dataDir: string, file: string): void {
  const draft = `${file}.draft`;
  writeFileSync(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flush: true });
  renameSync(draft, file);
  const directory = openSync(dataDir, 'r');
  fsyncSync(directory);
  closeSync(directory);
}
