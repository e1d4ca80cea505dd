export { type Collection, type CollectOptions, collectPrometheus } from './collect-prometheus.ts';
