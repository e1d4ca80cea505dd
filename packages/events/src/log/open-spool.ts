import { join } from 'node:path';
import { type DirectoryLock, DirectoryLockedError, lockDirectory } from '../spool/directory-lock.ts';
import { newEpoch } from '../spool/layout.ts';
import { createSpool, type Spool, type SpoolOptions } from '../spool/spool.ts';
import { listEpochs } from './adopter.ts';

export interface OpenedSpool {
  readonly epoch: string;
  readonly spool: Spool;
  /** Directories of this producer's earlier epochs that are still on the disk. */
  readonly predecessors: readonly string[];
  /** `remove`: everything is committed, so the directories go too. */
  release(options: { readonly remove: boolean }): void;
}

/**
 * Takes the producer's name and a directory of its own for a new epoch.
 * @throws {DirectoryLockedError} when a live process has that name
 */
export async function openOwnSpool(producerDirectory: string, options: SpoolOptions): Promise<OpenedSpool> {
  const owner = await lockName(producerDirectory);
  try {
    const others = await listEpochs(producerDirectory);
    const { epoch, lock } = lockNewEpoch(producerDirectory, others);
    return {
      epoch,
      spool: createSpool(lock.path, options),
      predecessors: others.map((other) => join(producerDirectory, other)),
      release({ remove }) {
        lock.release({ remove });
        owner.release();
      },
    };
  } catch (error) {
    owner.release();
    throw error;
  }
}

// Whoever removes the empty directory of a dead producer holds this lock for an instant: not a reason to refuse.
async function lockName(directory: string): Promise<DirectoryLock> {
  for (let tries = 0; ; tries += 1) {
    try {
      return lockDirectory(directory);
    } catch (error) {
      if (!(error instanceof DirectoryLockedError) || tries >= 10) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

// Between making the directory and locking it, an adopter may take it for a dead one's: then another epoch is opened.
function lockNewEpoch(producerDirectory: string, others: readonly string[]): { epoch: string; lock: DirectoryLock } {
  for (let tries = 0; ; tries += 1) {
    const epoch = newEpoch(Date.now(), others);
    try {
      return { epoch, lock: lockDirectory(join(producerDirectory, epoch)) };
    } catch (error) {
      if (!(error instanceof DirectoryLockedError) || tries >= 10) throw error;
    }
  }
}
