// A thread that owns one SQLite connection, so that an fsync or a long SELECT never stalls the event loop of the service.
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { createStatementRunner } from '@spillway/kernel/sqlite';
import type { StatementReply, StatementRequest, ThreadData } from './protocol.ts';

const { file, access, lockMs = 5_000 } = workerData as ThreadData;
const database = new DatabaseSync(file, { timeout: lockMs });
// FULL: an answered write survives the loss of power, as far as the disk tells the truth about its fsync.
database.exec('PRAGMA journal_mode = WAL');
database.exec('PRAGMA synchronous = FULL');
database.exec('PRAGMA foreign_keys = ON');
database.exec('PRAGMA temp_store = MEMORY');
if (access === 'read') database.exec('PRAGMA query_only = ON');

const run = createStatementRunner(database);

parentPort?.on('message', (request: StatementRequest | 'close') => {
  if (request === 'close') {
    database.close();
    parentPort?.close();
    return;
  }
  parentPort?.postMessage(answer(request));
});

function answer({ id, text, values }: StatementRequest): StatementReply {
  try {
    return { id, result: run(text, values) };
  } catch (error) {
    const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
    return { id, error: { message: error instanceof Error ? error.message : String(error), errcode } };
  }
}
