export { type Collection, type CollectOptions, collectOpenTelemetry } from './collect-opentelemetry.ts';
