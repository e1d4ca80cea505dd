import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../startup-error.ts';

/**
 * The secret of an embedded service: made at the first start, readable by its user alone, and the same ever after.
 * `database: 'used'`: its codes were made with a secret, so that a new one would only stand where the backup belongs.
 */
export function keptSecret(dataDir: string, { database }: { database: 'new' | 'used' }): string {
  const file = join(dataDir, 'secret');
  if (!existsSync(file)) {
    if (database === 'used') {
      throw new StartupError(
        `DATA_DIR: "${file}" is missing, and the short codes of the database beside it were made with it; ` +
          'restore it from the backup, or set SPILLWAY_SECRET to the secret',
      );
    }
    makeSecret(dataDir, file);
  }
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
