import cluster from 'node:cluster';
import { version } from './cli/version.ts';
import { type Config, parseConfig } from './config.ts';
import { startInstance } from './instance.ts';
import { stopSignal } from './stop-signal.ts';

/** `spillway links`: serves until SIGTERM or SIGINT. @throws {StartupError | ConfigurationError} */
export async function serve(variables: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(variables);
  if (cluster.isWorker) return serveAsWorker(config, variables);
  if (config.workers === 1) return serveAlone(config);
  const { runPrimary } = await import('./workers/primary.ts');
  const { withRealPort } = await import('./http/listen.ts');
  const exitCode = await runPrimary(await withRealPort(config), (ready) => announce(config, ready));
  if (exitCode !== 0) process.exit(exitCode);
}

/** `spillway worker`: counts clicks until SIGTERM or SIGINT. @throws {StartupError | ConfigurationError} */
export async function runWorker(variables: NodeJS.ProcessEnv): Promise<void> {
  const stop = stopSignal();
  const { startWorker } = await import('./worker.ts');
  const worker = await startWorker(parseConfig(variables));
  process.stdout.write('Spillway worker is ready: it counts clicks.\n');
  await stop;
  await worker.close();
}

async function serveAlone(config: Config): Promise<void> {
  const stop = stopSignal();
  const instance = await startInstance(config, { name: config.instance, version: version(), readMetrics: undefined });
  announce(config, instance);
  await stop;
  await instance.stop();
  // All is closed. What a library may still hold open, such as a connection on its way, must not keep the process.
  process.exit(0);
}

async function serveAsWorker(config: Config, variables: NodeJS.ProcessEnv): Promise<void> {
  const stop = stopSignal();
  const { openWorkerSide } = await import('./workers/worker-side.ts');
  const primary = openWorkerSide(variables);
  const { readMetrics } = primary;
  const instance = await startInstance(config, {
    name: primary.nameOf(config.instance),
    version: version(),
    readMetrics,
  });
  await primary.offer(await instance.registry());
  primary.ready(instance);
  await stop;
  await instance.stop();
  // The line to the primary would keep the process alive.
  cluster.worker?.disconnect();
}

function announce(config: Config, { port, madeAdminKey }: { port: number; madeAdminKey: string | undefined }): void {
  const url = config.port === 0 ? `http://localhost:${port}` : config.publicUrl;
  process.stdout.write(`Spillway is ready: ${url}\n`);
  if (madeAdminKey !== undefined) process.stdout.write(`The admin key, shown this once: ${madeAdminKey}\n`);
}
