import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Attributes, context, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { CacheLoadMessage } from '@spillway/cache';
import type { LimitDecisionMessage, LimitStoreMessage } from '@spillway/limit';

/** What becomes of a message in the trace that is under way. */
interface Traced {
  readonly channel: string;
  readonly trace: (tracer: Tracer, message: unknown) => void;
}

const traced = <Message>(channel: string, of: (tracer: Tracer, message: Message) => void): Traced => ({
  channel,
  trace: of as Traced['trace'],
});

const TRACED: readonly Traced[] = [
  traced<LimitStoreMessage>('spillway:limit:store', (tracer, { operation, outcome, durationMs, policies }) => {
    const attributes = { 'spillway.limit.operation': operation, 'spillway.limit.policies': [...policies] };
    addSpan(tracer, `limit ${operation}`, durationMs, attributes, outcome === 'error' ? outcome : undefined);
  }),
  traced<CacheLoadMessage>('spillway:cache:load', (tracer, { cache, outcome, durationMs }) => {
    const attributes = { 'spillway.cache': cache, 'spillway.cache.outcome': outcome };
    const isError = outcome === 'failed' || outcome === 'overloaded' || outcome === 'timed-out';
    addSpan(tracer, `load ${cache}`, durationMs, attributes, isError ? outcome : undefined);
  }),
  traced<LimitDecisionMessage>('spillway:limit:decision', (_, { decision, strategy }) => {
    trace.getActiveSpan()?.addEvent('spillway.limit.decision', {
      'spillway.limit.policy': decision.policy,
      'spillway.limit.strategy': strategy,
      'spillway.limit.outcome': decision.outcome,
      'spillway.limit.decided_by': decision.decidedBy,
      'spillway.limit.degraded': decision.degraded,
      'spillway.limit.remaining': decision.remaining,
    });
  }),
];

/** A span that has just ended, below the one under way. Without one it would stand alone, and is not made. */
function addSpan(tracer: Tracer, name: string, durationMs: number, attributes: Attributes, error?: string): void {
  if (trace.getActiveSpan()?.isRecording() !== true) return;
  const endedAt = Date.now();
  const options = { kind: SpanKind.CLIENT, startTime: endedAt - durationMs, attributes };
  const span = tracer.startSpan(name, options, context.active());
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
  span.end(endedAt);
}

/** Returns what ends it. */
export function traceMessages(tracer: Tracer, except: readonly string[]): () => void {
  const endings = TRACED.filter(({ channel }) => !except.includes(channel)).map(({ channel, trace: tell }) => {
    const receive = (message: unknown): void => {
      try {
        tell(tracer, message);
      } catch {
        // What a subscriber of a channel throws would end the process; the metrics count what is not understood.
      }
    };
    subscribe(channel, receive);
    return () => void unsubscribe(channel, receive);
  });
  return () => {
    for (const end of endings) end();
  };
}
