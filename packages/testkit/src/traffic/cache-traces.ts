import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { dataFile } from './data-directory.ts';

/** The published traces, and at which sizes a cache is judged by them. */
export const CACHE_TRACES: Readonly<Record<string, readonly number[]>> = {
  multi1: [100, 250, 500, 1_000, 1_500, 2_000],
  gli: [100, 250, 500, 1_000, 1_500, 2_000],
  ps: [100, 250, 500, 1_000, 1_500, 2_000],
  sprite: [100, 250, 500, 800, 1_000, 2_000],
  zigzag: [100, 250, 500, 1_000, 1_500],
  loop: [100, 250, 500, 800, 1_000],
};

/** The keys of a trace in their order; undefined where the file is absent. */
export async function cacheTrace(name: string): Promise<string[] | undefined> {
  const file = dataFile(`traces/${name}.trace.gz`);
  if (file === undefined) return undefined;
  return gunzipSync(await readFile(file))
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}
