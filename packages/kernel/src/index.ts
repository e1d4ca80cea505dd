export type { Bus, Presence } from './bus.ts';
export { type Clock, monotonicClock, systemClock } from './clock.ts';
export { type Duration, MAX_TIMER_MS, toMs } from './duration.ts';
export {
  ConfigurationError,
  type Issue,
  isSpillwayError,
  OverloadedError,
  SpillwayError,
  StoreUnavailableError,
} from './errors.ts';
export { FleetingMap } from './fleeting-map.ts';
export { ownText } from './own-text.ts';
export { type Random, seededRandom } from './random.ts';
export { createSingleFlight, type SingleFlight } from './single-flight.ts';
export type { Migration, SqlDialect, SqlQueries, SqlResult, SqlRunner, SqlValue } from './sql.ts';
