import { execFileSync } from 'node:child_process';
import { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.ts';

const shell = (script: string, path: string): void => {
  execFileSync('sh', ['-c', script, 'sh', path], { stdio: 'ignore' });
};

/** A file system of one's own (tmpfs), so large in KiB; undefined where this user may not mount one. Close it: it outlives the process. */
export function smallDisk({ kib }: { readonly kib: number }): TemporaryDirectory | undefined {
  const directory = temporaryDirectory({ name: 'disk' });
  try {
    shell(`mount -t tmpfs -o size=${kib}k tmpfs "$1"`, directory.path);
  } catch {
    void directory.close();
    return undefined;
  }
  const close = async () => {
    shell('umount -l "$1"', directory.path);
    await directory.close();
  };
  return { path: directory.path, close, [Symbol.asyncDispose]: close };
}
