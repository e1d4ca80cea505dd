import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type SqlResult, type SqlValue, StoreUnavailableError } from '@spillway/kernel';
import { OutOfSpaceError } from '../out-of-space-error.ts';
import type { StatementReply, StatementRequest, ThreadData } from './protocol.ts';

/** One connection, on a thread of its own. Statements run in the order they were asked for. */
export interface SqliteConnection {
  run<Row>(text: string, values?: readonly SqlValue[]): Promise<SqlResult<Row>>;
  readonly state: 'up' | 'down';
  close(): Promise<void>;
}

/** SQLite refused a statement. `errcode` is its extended result code. */
export class SqliteError extends Error {
  override readonly name = 'SqliteError';
  readonly errcode: number;

  constructor(message: string, errcode: number) {
    super(message);
    this.errcode = errcode;
  }
}

// Primary result codes that mean "the disk or the lock is in the way", not "this statement is wrong":
// BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
const FULL = 13;
const UNAVAILABLE = new Set([5, 6, 8, 10, 11, FULL, 14, 15, 26]);

interface Waiter {
  readonly operation: string;
  resolve(result: SqlResult<unknown>): void;
  reject(error: Error): void;
}

/** @param memoryMb of the thread's heap: a result that does not fit ends the thread */
export function openSqliteConnection(data: ThreadData, memoryMb = 256): SqliteConnection {
  const thread = new Worker(new URL('./sqlite-thread.ts', import.meta.url), {
    workerData: data,
    name: `sqlite-${data.access}`,
    // A thread does not inherit the resolve hook of the launcher.
    execArgv: ['--conditions=spillway-source'],
    env: threadEnvironment(),
    // Statements and their rows are short-lived and small: a larger nursery would only be more memory.
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 4 },
  });
  const waiting = new Map<number, Waiter>();
  let lastId = 0;
  let gone: Error | undefined;

  const end = (cause: Error) => {
    gone ??= cause;
    for (const waiter of waiting.values()) waiter.reject(new StoreUnavailableError(waiter.operation, gone));
    waiting.clear();
  };
  thread.on('message', (reply: StatementReply) => {
    const waiter = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (waiter === undefined) return;
    if ('result' in reply) waiter.resolve(reply.result);
    else waiter.reject(toError(waiter.operation, reply.error));
  });
  thread.on('error', (error: Error) => end(error));
  const exited = new Promise<void>((resolve) => {
    thread.on('exit', () => {
      end(new Error('the SQLite thread has ended'));
      resolve();
    });
  });
  // The service decides when the process ends, not an idle thread.
  thread.unref();

  return {
    run<Row>(text: string, values: readonly SqlValue[] = []) {
      const operation = operationOf(text);
      if (gone !== undefined) return Promise.reject(new StoreUnavailableError(operation, gone));
      return new Promise<SqlResult<Row>>((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { operation, resolve: (result) => resolve(result as SqlResult<Row>), reject });
        if (waiting.size === 1) thread.ref();
        thread.postMessage({ id: lastId, text, values } satisfies StatementRequest);
      }).finally(() => {
        if (waiting.size === 0) thread.unref();
      });
    },
    get state() {
      return gone === undefined ? ('up' as const) : ('down' as const);
    },
    async close() {
      // Also when it has failed and is on its way out: nothing else may keep the process until it has ended.
      thread.ref();
      if (gone === undefined) thread.postMessage('close');
      await exited;
    },
  };
}

/**
 * A thread does not inherit the compile cache either. Without it each of them strips types itself, and the stripper stays in memory:
 * 20 MB a thread instead of 7.
 */
function threadEnvironment(): NodeJS.ProcessEnv {
  const ofThisNode = getCompileCacheDir();
  return ofThisNode === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(ofThisNode) };
}

const operationOf = (text: string) => text.trimStart().split(/\s/, 1)[0] ?? 'query';

function toError(operation: string, { message, errcode }: { message: string; errcode: number }): Error {
  const error = new SqliteError(message, errcode);
  const code = errcode & 255;
  if (code === FULL) return new OutOfSpaceError(operation, error);
  return UNAVAILABLE.has(code) ? new StoreUnavailableError(operation, error) : error;
}
