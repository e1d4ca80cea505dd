import { accessSync, constants, mkdirSync } from 'node:fs';
import { StartupError } from '../startup-error.ts';

/** Makes `DATA_DIR`. @throws {StartupError} when it can not be written to */
export function prepareDataDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartupError(
      `DATA_DIR: "${path}" can not be written to (${code}); make it writable for this user, or choose another directory`,
    );
  }
}
