import type { Registry } from 'prom-client';
import type { Services } from '../services.ts';
import type { Counts } from './service-metrics.ts';

/** This process's metrics. prom-client is loaded when they are first wanted, or by `warm`, not while the service starts. */
export interface Metrics {
  readonly registry: () => Promise<Registry>;
  close(): void;
}

export function createMetrics(services: Services, counts: Counts): Metrics {
  let opened: Promise<Registry> | undefined;
  const stops: (() => void)[] = [];
  const open = async () => {
    const [{ collectDefaultMetrics, Registry }, { addServiceMetrics, COUNTED_HERE }, { collectPrometheus }] =
      await Promise.all([
        import('prom-client'),
        import('./service-metrics.ts'),
        import('@spillway/telemetry/prometheus'),
      ]);
    const registry = new Registry();
    // The event loop is asked every 50 ms how late it is: prom-client's own 10 ms are a tenth of what an idle process does.
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 50 });
    addServiceMetrics(registry, services, counts);
    const collection = collectPrometheus({ registry, except: COUNTED_HERE });
    stops.push(() => collection.close());
    return registry;
  };
  return {
    registry() {
      opened ??= open();
      return opened;
    },
    close() {
      for (const stop of stops) stop();
    },
  };
}
