export { type Click, type Client, toClick, type Visit } from './click.ts';
export { clickCodec } from './click-codec.ts';
export { type Countries, openCountries } from './countries.ts';
export { createIdentify, type IdentifyOptions } from './identify.ts';
export { clickMigrations } from './migrations.ts';
export { REPLAY_TIME_HEADER, readReplayTime } from './replay-time.ts';
export { type ClickRoutesOptions, clickRoutes } from './routes.ts';
export { clickTotals } from './stats.ts';
export { createClickWriter } from './write-clicks.ts';
