import type { Registry } from 'prom-client';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { tuneEngine } from './engine.ts';
import { openFoundation } from './foundation/foundation.ts';
import { dependencies } from './health/health.ts';
import { watchHealth } from './health/watch.ts';
import { listen, withRealPort } from './http/listen.ts';
import { makeFirstAdminKey } from './keys/first-admin-key.ts';
import { openServices, type Services } from './services.ts';

/** One serving process. */
export interface Instance {
  readonly services: Services;
  readonly port: number;
  readonly registry: () => Promise<Registry>;
  /** Takes no more, answers what is under way, counts or keeps every click, closes everything. */
  stop(): Promise<void>;
}

export interface InstanceOptions {
  readonly name: string;
  readonly version: string;
  /** The metrics of all workers, where there are several. */
  readonly readMetrics: (() => Promise<string>) | undefined;
  /** Called before `startInstance` resolves, if an admin key is made now: it is never to be had again. */
  readonly showAdminKey: (key: string) => void;
}

/** Time for answers under way, of the 10 s that a stop may take in all. */
const DRAIN_MS = 4_000;

/** @throws {StartupError | ConfigurationError} with a paragraph for people */
export async function startInstance(given: Config, options: InstanceOptions): Promise<Instance> {
  tuneEngine();
  const config = await withRealPort(given);
  const services = await openServices(await openFoundation(config, options.name));
  let draining = false;
  try {
    const { clicks } = services;
    const app = await createApp({
      services,
      version: options.version,
      draining: () => draining,
      onClick: (visit) => void clicks.events.publish(visit),
      readMetrics: options.readMetrics,
    });
    // Of the packaged database it is known that it can be read; reading it may wait until the service answers.
    if (config.countryDatabase !== 'packaged') clicks.warm();
    await listen(app.http.server, config);
    // Once nothing can refuse the start any more: a key of a service that never came up would be lost.
    if (config.adminKey === undefined) await makeFirstAdminKey(services.database.sql, options.showAdminKey);
    setImmediate(() => {
      try {
        clicks.warm();
      } catch (error) {
        services.log.error({ err: error }, 'every country is unknown');
      }
      app.metrics.registry().catch((error) => services.log.error({ err: error }, 'no metrics'));
    });
    const watch = watchHealth({
      dependencies: () => dependencies(services),
      dropped: {
        clicks: () => services.clicks.events.stats().dropped,
        'records of requests': () => services.requests.events?.stats().dropped ?? {},
      },
      log: services.log,
    });
    return {
      services,
      port: config.port,
      registry: app.metrics.registry,
      async stop() {
        draining = true;
        watch.close();
        await app.http.drain(DRAIN_MS);
        app.metrics.close();
        await app.api.close();
        await services.close();
      },
    };
  } catch (error) {
    await services.close().catch(() => undefined);
    throw error;
  }
}
