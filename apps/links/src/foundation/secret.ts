import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../startup-error.ts';

/** The secret of an embedded service: made at the first start, readable by its user alone, and the same ever after. */
export function keptSecret(dataDir: string): string {
  const file = join(dataDir, 'secret');
  try {
    // Fails when the file is there; whoever comes second reads what the first one wrote.
    writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx', mode: 0o600, flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const secret = readFileSync(file, 'utf8').trim();
  if (secret.length >= 16) return secret;
  throw new StartupError(
    `"${file}" does not hold a secret any more; restore it from a backup (short codes are made with it)`,
  );
}
