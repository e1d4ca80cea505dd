import { renameSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { CliError } from '../failure.ts';

/** How far an import of one file into one service got: everything before and with batch `index` is done. */
export interface ImportProgress {
  readonly server: string;
  readonly size: number;
  readonly index: number;
  /** Of that batch: whether the file is still the same. */
  readonly digest: string;
  readonly created: number;
  readonly repeated: number;
  readonly refused: number;
}

export interface ImportState {
  /** What an earlier run left; undefined when there is nothing to go on from. */
  load(): Promise<ImportProgress | undefined>;
  save(progress: ImportProgress): Promise<void>;
  /** After the last batch. */
  clear(): Promise<void>;
}

/**
 * Keeps the progress in a small file, replaced in one step so that a kill leaves the old one or the new one. A place that was
 * not asked for may be read-only: then it says so once and goes on without, since a second run makes no link twice anyway.
 */
export function fileState(path: string, place: 'asked-for' | 'default', say: (line: string) => void): ImportState {
  let writable = true;
  return {
    async load() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
        throw new CliError(`"${path}" can not be read (${error.code}); name another place with --state`);
      });
      return text === undefined ? undefined : parseProgress(text, path);
    },
    async save(progress) {
      if (!writable) return;
      try {
        // At once: an exit when the output's reader has gone can not fall between the two.
        writeFileSync(`${path}.new`, `${JSON.stringify(progress)}\n`);
        renameSync(`${path}.new`, path);
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException;
        const message = `"${path}" can not be written (${code}); name another place with --state`;
        if (place === 'asked-for') throw new CliError(message, { cause });
        writable = false;
        say(
          `${message}. Until then an interrupted import begins at the first row again, and still makes no link twice.`,
        );
      }
    },
    async clear() {
      if (!writable) return;
      await Promise.all([rm(path, { force: true }), rm(`${path}.new`, { force: true })]);
    },
  };
}

function parseProgress(text: string, path: string): ImportProgress {
  try {
    const progress = JSON.parse(text) as ImportProgress;
    if (Number.isSafeInteger(progress.index) && typeof progress.digest === 'string') return progress;
  } catch {}
  throw new CliError(`"${path}" is not the state of an import; delete it to begin anew, or name another with --state`);
}

/** For standard input, which can not be read again. */
export const noState: ImportState = {
  load: async () => undefined,
  save: async () => undefined,
  clear: async () => undefined,
};
