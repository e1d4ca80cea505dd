import { openClickSink } from './click-log/click-sink.ts';
import { CLICK_LOG, openTransport } from './click-log/transport.ts';
import type { Config } from './config.ts';
import { createClosers } from './foundation/closers.ts';
import { openFoundation } from './foundation/foundation.ts';
import { stores } from './health/health.ts';
import { watchHealth } from './health/watch.ts';
import { openRequestSink } from './requests/request-sink.ts';
import { StartupError } from './startup-error.ts';

/** Counts clicks and requests, and nothing else: beside instances with `ROLE=web`. Returns how to stop. */
export async function startWorker(config: Config): Promise<{ close(): Promise<void> }> {
  if (config.database.kind === 'sqlite') {
    throw new StartupError('A worker needs DATABASE_URL: the embedded service counts its clicks itself.');
  }
  const closers = createClosers();
  // The process id: several workers may run on one machine, and none listens on a port that would tell them apart.
  const foundation = await openFoundation(config, `worker-${config.instance}-${process.pid}`, 'counts');
  closers.add(() => foundation.close());
  const transport = await openTransport(foundation, CLICK_LOG);
  closers.add(() => transport.close());
  const sink = openClickSink(foundation, transport);
  closers.add(() => sink.close());
  const requests = await openRequestSink(foundation);
  closers.add(() => requests.close());
  const watch = watchHealth({ dependencies: () => stores(foundation), log: foundation.log });
  closers.add(async () => watch.close());
  return closers;
}
