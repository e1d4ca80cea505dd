import { type RedisLink, RedisReplyError } from '@spillway/redis';
import { CLOCK_ERROR_MS } from './store-clock.ts';

/**
 * Since when the server that is asked remembers everything. One that was restarted may have come back with what was on disk, and one
 * that took over may not have got the last writes: deletes among them are undone, and nobody notices. So what was loaded before the
 * server's start, or before another one took its place, is not fresh any more; it may still stand in.
 *
 * What this can not see: a take-over inside a Cluster that the link did not notice, and a take-over from before this process began.
 */
export interface ServerMemory {
  /** By the server's clock. */
  readonly soundSinceMs: number;
  /** Resolves when it is known, and undefined if it is. */
  ready(): Promise<void> | undefined;
  /** Commands pass again, perhaps to another server. */
  reset(): void;
}

/** @param nowMs the server's clock, once that is known */
export function createServerMemory(
  link: Pick<RedisLink, 'command' | 'topology'>,
  clock: { ready(): Promise<void> | undefined; nowMs(): number },
): ServerMemory {
  let soundSinceMs = 0;
  let known = false;
  let before: { readonly runId: string | undefined } | undefined;
  let asking: Promise<void> | undefined;
  let era = 0;

  const ask = async (): Promise<void> => {
    const asked = era;
    const [{ runId, loadedMsAgo }] = await Promise.all([describeServer(link), clock.ready()]);
    if (asked !== era) return;
    known = true;
    if (before === undefined) {
      // At first sight a server is believed for as long as it has been running.
      if (loadedMsAgo !== undefined) soundSinceMs = clock.nowMs() - loadedMsAgo;
    } else if (runId === undefined || runId !== before.runId) {
      soundSinceMs = clock.nowMs() + CLOCK_ERROR_MS;
    }
    before = { runId };
  };

  return {
    get soundSinceMs() {
      return soundSinceMs;
    },
    ready() {
      if (known) return undefined;
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    reset() {
      era += 1;
      known = false;
      asking = undefined;
    },
  };
}

interface Description {
  /** Another one after each start; undefined when it can not be known which server answers. */
  readonly runId: string | undefined;
  /** How long ago it took up what was on disk, at the least; undefined when it began empty, or that can not be known. */
  readonly loadedMsAgo: number | undefined;
}

const UNKNOWN: Description = { runId: undefined, loadedMsAgo: undefined };

async function describeServer(link: Pick<RedisLink, 'command' | 'topology'>): Promise<Description> {
  // On a Cluster it would be one of the nodes that answers: it says nothing about the others.
  if (link.topology === 'cluster') return UNKNOWN;
  try {
    const info = await link.command<string>('INFO', []);
    const field = (name: string): string | undefined => new RegExp(`^${name}:(\\w+)`, 'm').exec(info)?.[1];
    const beganEmpty = field('rdb_last_load_keys_loaded') === '0' && field('aof_enabled') === '0';
    // Whole seconds of a start at any fraction of one.
    const uptimeMs = Math.max(0, Number(field('uptime_in_seconds') ?? 0) - 1) * 1_000;
    return { runId: field('run_id'), loadedMsAgo: beganEmpty ? undefined : uptimeMs };
  } catch (error) {
    // A user without the right to INFO.
    if (error instanceof RedisReplyError) return UNKNOWN;
    throw error;
  }
}
