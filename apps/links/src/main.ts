import { version } from './cli/version.ts';
import { type Config, parseConfig } from './config.ts';
import { startInstance } from './instance.ts';
import { stopSignal } from './stop-signal.ts';
import { startWorker } from './worker.ts';

/** `spillway links`: serves until SIGTERM or SIGINT. @throws {StartupError | ConfigurationError} */
export async function serve(variables: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(variables);
  await serveAlone(config, config.instance);
}

/** `spillway worker`: counts clicks until SIGTERM or SIGINT. @throws {StartupError | ConfigurationError} */
export async function runWorker(variables: NodeJS.ProcessEnv): Promise<void> {
  const stop = stopSignal();
  const worker = await startWorker(parseConfig(variables));
  process.stdout.write('Spillway worker is ready: it counts clicks.\n');
  await stop;
  await worker.close();
}

async function serveAlone(config: Config, name: string): Promise<void> {
  const stop = stopSignal();
  const instance = await startInstance(config, { name, version: version() });
  announce(config, instance);
  const signal = await stop;
  instance.services.log.info({ signal }, 'stopping');
  await instance.stop();
}

function announce(config: Config, { port, madeAdminKey }: { port: number; madeAdminKey: string | undefined }): void {
  const lines = [`Spillway is ready: ${config.port === 0 ? `http://localhost:${port}` : config.publicUrl}`];
  if (madeAdminKey !== undefined) {
    lines.push(`The admin key, shown this once: ${madeAdminKey}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}
