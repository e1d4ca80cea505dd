import { setTimeout as sleep } from 'node:timers/promises';
import { createIdAllocator } from '@spillway/ids';
import { fencedBlocks } from '@spillway/ids/redis';
import { idMigrations } from '@spillway/ids/sql';
import { postgresRunner } from '@spillway/kernel/postgres';
import { connectRedis } from '@spillway/redis';
import { type ChildProcessHandle, type RedisServer, spawnProcess, startPostgres, startRedis } from '@spillway/testkit';
import pg from 'pg';
import type { Phase } from '../contestants/id-taker.ts';
import { defineBench, median } from '../harness.ts';

const PROCESSES = 3;
const BLOCK = 10_000;

export const bench = defineBench({
  name: 'ids',
  question: 'Does next() stay as quick while Redis is killed and returns, and how many ids does a restart burn?',
  async run({ size, log }) {
    const [seconds, rounds, perMs] = size === 'full' ? [4, 3, 33] : [0.5, 1, 5];
    const redis = await startRedis();
    const postgres = await startPostgres();
    const env = { REDIS_URL: redis.url, DATABASE_URL: postgres.url, PER_MS: String(perMs) };
    const pool = new pg.Pool({ connectionString: postgres.url, max: 2 });
    const takers: ChildProcessHandle[] = [];
    try {
      for (const { up } of idMigrations) for (const statement of up.postgres) await pool.query(statement);
      const taken: Phase[] = [];
      const phase = async (): Promise<Phase[]> => {
        await sleep(seconds * 1_000);
        const phases = await Promise.all(takers.map(reportPhase));
        taken.push(...phases);
        return phases;
      };
      const p99 = (phases: readonly Phase[]) => median(phases.map((entry) => entry.p99Ms));
      const row = (contestant: string, phases: readonly Phase[], processes = PROCESSES) => ({
        contestant,
        values: {
          'ids/s, all processes': (processes * median(phases.map((entry) => entry.taken))) / seconds,
          'p50 ms': median(phases.map((entry) => entry.p50Ms)),
          'p99 ms': p99(phases),
          'max ms': Math.max(...phases.map((entry) => entry.maxMs)),
        },
      });
      const growth: ReturnType<typeof row>[] = [];
      for (let count = 1; count <= PROCESSES; count += 1) {
        const taker = spawnProcess({
          name: `taker ${count}`,
          module: new URL('../contestants/id-taker.ts', import.meta.url),
          nodeArgs: ['--conditions=spillway-source'],
          env,
          readyWhen: (line) => line === 'ready',
        });
        takers.push(taker);
        await taker.ready;
        await phase(); // Warm-up.
        growth.push(row(`${count} ${count === 1 ? 'process' : 'processes'}`, await phase(), count));
      }
      const healthy: Phase[] = [];
      const broken: Phase[] = [];
      for (let round = 0; round < rounds; round += 1) {
        healthy.push(...(await phase()));
        await redis.kill();
        broken.push(...(await phase()));
        await redis.restart();
        broken.push(...(await phase()));
        log(
          `round ${round + 1}: p99 ${worst(healthy).toFixed(2)} ms healthy, ${worst(broken).toFixed(2)} ms while Redis is away`,
        );
      }
      const total = checkUnique(taken.flatMap(({ ranges }) => ranges));
      const failed = taken.reduce((sum, entry) => sum + entry.failed, 0);
      if (failed > 0) throw new Error(`${failed} calls of next() failed`);
      const burned = await burnedByRestarts(redis, pool);
      return {
        figures: [row('Redis healthy', healthy), row('Redis killed, then back', broken), ...growth],
        ratios: [
          {
            what: 'p99 with Redis away to its own healthy p99',
            value: p99(broken) / p99(healthy),
            bar: 2,
            better: 'lower',
          },
          { what: 'blocks burned by a restart, mean', value: burned / BLOCK, bar: 1, better: 'lower' },
        ],
        checked: `${total.toLocaleString('en-US')} ids of ${PROCESSES} processes, none twice, no call failed.`,
        notes: [
          'Latency counts from the intended start of each call; three taking processes, Redis, PostgreSQL and the script share the cores, so the tail is the scheduler of the machine in both phases.',
          'A restart burns what the process holds: one block on average, by where in the block it stops.',
        ],
        chart: 'p99 ms',
      };
    } finally {
      await Promise.all(takers.map((taker) => taker.close()));
      await pool.end();
      await Promise.all([redis.close(), postgres.close()]);
    }
  },
});

const worst = (phases: readonly Phase[]): number => Math.max(...phases.map((entry) => entry.p99Ms));

async function reportPhase(taker: ChildProcessHandle): Promise<Phase> {
  const seen = taker.stdout.length;
  taker.write('\n');
  for (;;) {
    const line = taker.stdout.slice(seen).find((text) => text.startsWith('phase '));
    if (line !== undefined) return JSON.parse(line.slice('phase '.length)) as Phase;
    if (!taker.running) throw new Error(`${taker.name} ended: ${taker.stderr.slice(-5).join('\n')}`);
    await sleep(2);
  }
}

/** How many ids the ranges hold. @throws {Error} when two of them meet */
function checkUnique(ranges: readonly (readonly [number, number])[]): number {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  let total = 0;
  let highest = 0;
  for (const [first, last] of sorted) {
    if (first <= highest) throw new Error(`id ${first} was given out twice`);
    highest = last;
    total += last - first + 1;
  }
  return total;
}

/** Ids lost per restart: processes that stop anywhere in their blocks, one after the other. */
async function burnedByRestarts(redis: RedisServer, pool: pg.Pool): Promise<number> {
  const link = connectRedis({ url: redis.url });
  await link.ready();
  const sql = postgresRunner(pool);
  const burned: number[] = [];
  for (const used of [1, 2_000, 4_999, 5_001, 7_500, 9_999, 12_000, 19_000]) {
    const ids = createIdAllocator({ source: fencedBlocks({ link, sql }), blockSize: BLOCK });
    await ids.take(used);
    await ids.close();
    burned.push(ids.stats().blocks * BLOCK - used);
  }
  await link.close();
  return burned.reduce((sum, value) => sum + value, 0) / burned.length;
}
