// One process of the benchmark `ids`: takes ids at a steady rate, and on each line of stdin reports the phase that ends.
import { createInterface } from 'node:readline';
import { createIdAllocator } from '@spillway/ids';
import { fencedBlocks } from '@spillway/ids/redis';
import { postgresRunner } from '@spillway/kernel/postgres';
import { connectRedis } from '@spillway/redis';
import { createLatencyHistogram } from '@spillway/testkit';
import pg from 'pg';

/** What a phase was like. `ranges`: the ids given out, as closed ranges. */
export interface Phase {
  readonly taken: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly ranges: readonly (readonly [first: number, last: number])[];
  readonly blocks: number;
}

const perMs = Number(process.env.PER_MS);
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 2, query_timeout: 2_000 });
const link = connectRedis({ url: process.env.REDIS_URL ?? '' });
await link.ready();
const ids = createIdAllocator({ source: fencedBlocks({ link, sql: postgresRunner(pool) }) });
await ids.next();

const latency = createLatencyHistogram();
let ranges: [number, number][] = [];
let failed = 0;

function keep(id: number): void {
  const last = ranges.at(-1);
  if (last !== undefined && id === last[1] + 1) last[1] = id;
  else ranges.push([id, id]);
}

async function take(intended: number): Promise<void> {
  try {
    keep(await ids.next());
    latency.record((performance.now() - intended) * 1_000);
  } catch {
    failed += 1;
  }
}

// Each call is due on its millisecond, however late the timer is: latency counts from the intended start.
let due = performance.now();
setInterval(() => {
  for (const now = performance.now(); due <= now; due += 1) {
    for (let i = 0; i < perMs; i += 1) void take(due);
  }
}, 1);

createInterface({ input: process.stdin })
  .on('line', () => {
    const { count, p50Ms, p99Ms, maxMs } = latency.summary();
    const phase: Phase = { taken: count, failed, p50Ms, p99Ms, maxMs, ranges, blocks: ids.stats().blocks };
    console.log(`phase ${JSON.stringify(phase)}`);
    latency.reset();
    ranges = [];
    failed = 0;
  })
  .on('close', () => process.exit(0));
console.log('ready');
