/**
 * One instance, as a process: takes ids as fast as its history can be written, until SIGTERM or `TOTAL`, and says on stdout how
 * many it gave out. What it could not get for lack of a store, it asks for again.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type BlockSource, createIdAllocator, createShortCode } from '@spillway/ids';
import { fencedBlocks, redisBlocks } from '@spillway/ids/redis';
import { sqlBlocks } from '@spillway/ids/sql';
import { isSpillwayError } from '@spillway/kernel';
import { postgresRunner } from '@spillway/kernel/postgres';
import { connectRedis } from '@spillway/redis';
import { recordHistory } from '@spillway/testkit';
import { openPool, openSqliteFile } from '../open-database.ts';

const { SOURCE = '', NAME = '', HISTORY = '', REDIS_URL = '', DATABASE_URL = '', TOTAL = 'Infinity' } = process.env;

const link = connectRedis({ url: REDIS_URL === '' ? 'redis://127.0.0.1:1' : REDIS_URL });
const sql = () => (SOURCE === 'sqlite' ? openSqliteFile(DATABASE_URL) : postgresRunner(openPool(DATABASE_URL)));
const sources: Record<string, () => BlockSource> = {
  fenced: () => fencedBlocks({ link, sql: sql() }),
  sqlite: () => sqlBlocks({ sql: sql() }),
  redis: () => redisBlocks({ link }),
};
const makeSource = sources[SOURCE];
if (makeSource === undefined) throw new Error(`SOURCE must be one of ${Object.keys(sources)}, got "${SOURCE}"`);

const ids = createIdAllocator({ source: makeSource(), blockSize: 20, name: NAME });
const codes = createShortCode({ secret: 'the same secret in every process' });
const history = recordHistory({ file: HISTORY });

let stopping = false;
process.on('SIGTERM', () => {
  stopping = true;
});

let refused = 0;
for (let issued = 0; issued < Number(TOTAL) && !stopping; ) {
  try {
    const batch = issued % 3 === 0 ? await ids.take(7) : [await ids.next()];
    for (const id of batch) history.record({ kind: 'id', by: NAME, id, code: codes.encode(id) });
    issued += batch.length;
    if (issued % 100 < batch.length) console.log(`issued ${issued} refused ${refused}`);
  } catch (error) {
    // Anything but "away" is a defect, and ends the process with a stack trace.
    if (!isSpillwayError(error) || !error.retryable) throw error;
    refused += 1;
    await pause(5);
  }
}
console.log(`done ${JSON.stringify(ids.stats())}`);
process.exit(0);
