import { readFile, rename, rm, writeFile } from 'node:fs/promises';
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

/** Keeps the progress in a small file, replaced in one step so that a kill leaves the old one or the new one. */
export function fileState(path: string): ImportState {
  return {
    async load() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw new CliError(`"${path}" can not be read (${error.code}); name another place with --state`);
      });
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text) as ImportProgress;
      } catch {
        throw new CliError(
          `"${path}" is not the state of an import; delete it to begin anew, or name another with --state`,
        );
      }
    },
    async save(progress) {
      try {
        await writeFile(`${path}.new`, `${JSON.stringify(progress)}\n`);
        await rename(`${path}.new`, path);
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException;
        throw new CliError(`"${path}" can not be written (${code}); name another place with --state`, { cause });
      }
    },
    clear: () => rm(path, { force: true }),
  };
}

/** For standard input, which can not be read again. */
export const noState: ImportState = {
  load: async () => undefined,
  save: async () => undefined,
  clear: async () => undefined,
};
