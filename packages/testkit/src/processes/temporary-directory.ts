import { chmodSync, chownSync, mkdtempSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reapDirectory } from './reaper.ts';

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
  /** Removes it with all that is in it. It also goes when the process ends, however that happens. */
  close(): Promise<void>;
}

/** A fresh directory, for the owner alone; `owner` hands it to another user (root only). */
export function temporaryDirectory(
  options: { readonly name?: string; readonly owner?: { readonly uid: number; readonly gid: number } } = {},
): TemporaryDirectory {
  const path = mkdtempSync(join(realpathSync(tmpdir()), `spillway-${options.name ?? 'test'}-`));
  reapDirectory(path);
  chmodSync(path, 0o700);
  if (options.owner !== undefined) chownSync(path, options.owner.uid, options.owner.gid);
  const close = () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  return { path, close, [Symbol.asyncDispose]: close };
}
