import { createNoopMeter, type Meter, metrics, ProxyTracerProvider, type Tracer, trace } from '@opentelemetry/api';
import { checkExcept, listen } from '../channels/listen.ts';
import { createMetricSet } from './metrics.ts';
import { traceMessages } from './spans.ts';

export interface CollectOptions {
  /** Default: that of the global provider, named `@spillway/telemetry`. */
  readonly meter?: Meter;
  /** Default: the same of traces. */
  readonly tracer?: Tracer;
  /** Channels to leave alone, with their metrics and spans: `['spillway:cache:get']`. One that nobody listens to costs nothing. */
  readonly except?: readonly string[];
}

export interface Collection {
  /** Stops listening. */
  close(): void;
}

const NAME = '@spillway/telemetry';

/**
 * Hands what the packages say on their diagnostics channels to OpenTelemetry. Metrics: those of `docs/2.reference/metrics.md`, under names
 * such as `spillway.limit.decisions`. Spans: calls of shared limit stores and loads of caches, below the span that is under way
 * where they were asked for, and each decision of a limiter as an event of it. Labels and attributes are names from the
 * configuration, never a user's key.
 *
 * Call it once the SDK is registered, and before limiters, caches and links are made. Without a provider for metrics or traces
 * it does not listen for them, so that nothing is made or measured for nobody.
 * @throws {ConfigurationError} when `except` names a channel that is not listened to
 */
export function collectOpenTelemetry({ meter, tracer, except = [] }: CollectOptions = {}): Collection {
  checkExcept(except);
  const endings: (() => void)[] = [];
  const usedMeter = meter ?? metrics.getMeter(NAME);
  if (!isNoop(usedMeter)) endings.push(listen(createMetricSet(usedMeter), except));
  if (tracer !== undefined || isTracing()) {
    endings.push(traceMessages(tracer ?? trace.getTracer(NAME), except));
  }
  return {
    close() {
      for (const end of endings.splice(0)) end();
    },
  };
}

const isNoop = (meter: Meter): boolean => meter.constructor === createNoopMeter().constructor;

/** The API's own provider has a delegate once somebody registered one. */
function isTracing(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(NAME) !== undefined;
}
