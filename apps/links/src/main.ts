import cluster from 'node:cluster';
import { explain } from './cli/failure.ts';
import { version } from './cli/version.ts';
import { misspeltSettings } from './config/misspelt.ts';
import { type Config, parseConfig } from './config.ts';
import { explainEmbedded } from './foundation/database-file.ts';
import { startInstance } from './instance.ts';
import { createLogger } from './log.ts';
import { stopSignal } from './stop-signal.ts';

/** `spillway links`: serves until SIGTERM, SIGINT or SIGHUP. @throws {StartupError | ConfigurationError} */
export async function serve(variables: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(variables);
  if (cluster.isWorker) return serveAsWorker(config, variables);
  warnOfMisspelt(config, variables);
  if (config.workers === 1) return serveAlone(config);
  const { runPrimary } = await import('./workers/primary.ts');
  const { withRealPort } = await import('./http/listen.ts');
  process.exit(await runPrimary(await withRealPort(config), ({ port }) => announce(config, port)));
}

/** `spillway worker`: counts clicks until SIGTERM, SIGINT or SIGHUP. @throws {StartupError | ConfigurationError} */
export async function runWorker(variables: NodeJS.ProcessEnv): Promise<void> {
  const stop = stopSignal();
  const { startWorker } = await import('./worker.ts');
  const config = parseConfig(variables);
  warnOfMisspelt(config, variables);
  const worker = await startWorker(config);
  process.stdout.write('Spillway worker is ready: it counts clicks.\n');
  await stop;
  await worker.close();
  process.exit(0);
}

function warnOfMisspelt({ logLevel: level, instance }: Config, variables: NodeJS.ProcessEnv): void {
  for (const { path, message } of misspeltSettings(variables)) {
    createLogger({ level, instance }).warn({ variable: path }, `${path} ${message}`);
  }
}

async function serveAlone(config: Config): Promise<void> {
  const stop = stopSignal();
  const { instance: name } = config;
  const options = { name, version: version(), readMetrics: undefined, showAdminKey };
  // The first write may be the one that finds the disk full, wherever in the start that is.
  const instance = await startInstance(config, options).catch((error: unknown) => {
    throw config.database.kind === 'sqlite' ? explainEmbedded(error, config.dataDir) : error;
  });
  announce(config, instance.port);
  await stop;
  await instance.stop();
  // All is closed. What a library may still hold open, such as a connection on its way, must not keep the process.
  process.exit(0);
}

async function serveAsWorker(config: Config, variables: NodeJS.ProcessEnv): Promise<void> {
  // The primary decides when there was enough patience: a Ctrl-C reaches all of the group, and comes from the primary once more.
  const stop = stopSignal(() => undefined);
  const { openWorkerSide } = await import('./workers/worker-side.ts');
  const primary = openWorkerSide(variables);
  const instance = await startInstance(config, {
    name: primary.nameOf(config.instance),
    version: version(),
    readMetrics: () => primary.readMetrics(),
    showAdminKey,
  }).catch(async (error: unknown) => {
    // The primary says it, once for all of them.
    const failure = explain(error);
    await primary.fail(failure);
    return process.exit(failure.exitCode);
  });
  primary.offer(await instance.registry());
  primary.ready(instance);
  await Promise.race([stop, primary.gone]);
  await instance.stop();
  process.exit(0);
}

function announce(config: Config, port: number): void {
  const url = config.port === 0 ? `http://localhost:${port}` : config.publicUrl;
  process.stdout.write(`Spillway is ready: ${url}\n`);
}

/** Resolves once it is out: a key that could not be shown must not count. */
function showAdminKey(key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`The admin key, shown this once: ${key}\n`, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
