/**
 * A process to be killed: a producer, a consumer or both, as an instance of a service is. Settings come as one JSON argument. It prints
 * `ready`, then one line per thing that happened, each before anything else can: what stands in its output did happen.
 */

import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { postgresRunner } from '@spillway/kernel/postgres';
import { connectRedis } from '@spillway/redis';
import { type BatchMessage, createEventLog, createSink, lockDirectory } from '../../src/index.ts';
import { redisTransport } from '../../src/redis/index.ts';
import { sqlTransport, sqlWatermarks } from '../../src/sql/index.ts';
import { type Click, openPool, writeClicks } from './open-sql.ts';

export interface ChildSettings {
  readonly name: string;
  /** 'lock' only locks the directory. */
  readonly role: 'all' | 'producer' | 'sink' | 'lock';
  readonly postgresUrl?: string;
  /** Without one, the queue is in PostgreSQL. */
  readonly redisUrl?: string;
  readonly directory: string;
  /** Events published per 10 ms. */
  readonly rate?: number;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as ChildSettings;
const { name, role } = settings;
// Synchronously, so that a kill can not take back what was said.
const say = (line: string): void => void writeSync(1, `${line}\n`);

if (role === 'lock') {
  lockDirectory(settings.directory);
  say('ready');
  setInterval(() => {}, 60_000);
} else {
  await serve();
}

async function serve(): Promise<void> {
  const pool = openPool(settings.postgresUrl ?? '');
  const sql = postgresRunner(pool);
  const link = settings.redisUrl === undefined ? undefined : connectRedis({ url: settings.redisUrl });
  const transport =
    link === undefined
      ? sqlTransport({ sql, queue: 'clicks', claimAfter: '2s' })
      : redisTransport({ link, stream: 'clicks', claimAfter: '2s' });
  const sink =
    role === 'producer'
      ? undefined
      : createSink<Click>({ name: 'clicks', sql, transport, consumer: name, write: writeClicks });
  const log =
    role === 'sink'
      ? undefined
      : await createEventLog<Click>({
          name: 'clicks',
          producer: name,
          transport,
          watermarks: sqlWatermarks({ sql, name: 'clicks' }),
          spool: { directory: settings.directory },
          adoptEvery: '200ms',
        });

  let spooled = 0;
  subscribe('spillway:events:batch', (message) => {
    const { stage, events, producer } = message as BatchMessage;
    if (stage !== 'spooled' || producer !== name) return;
    spooled += events;
    say(`spooled ${spooled} ${Date.now()}`);
  });
  subscribe('spillway:events:adopted', (message) => {
    const { stage, producer } = message as { stage: string; producer: string };
    say(`${stage} ${producer}`);
  });

  // What a starved process could not do in time is told apart from what it did not do.
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  let n = 0;
  const timer =
    log === undefined
      ? setInterval(() => {}, 60_000)
      : setInterval(() => {
          for (let count = settings.rate ?? 0; count > 0; count -= 1) {
            n += 1;
            log.publish({ who: name, n });
          }
          say(`published ${n} ${Date.now()} ${Math.ceil(delay.max / 1e6)}`);
          delay.reset();
        }, 10);

  process.once('SIGTERM', async () => {
    clearInterval(timer);
    await log?.close({ timeout: '8s' });
    await sink?.close();
    await link?.close();
    await pool.end();
    say(`closed ${JSON.stringify(log?.stats() ?? sink?.stats())}`);
    process.exit(0);
  });
  say('ready');
}
