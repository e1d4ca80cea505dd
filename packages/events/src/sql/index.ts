export { eventMigrations } from './migrations.ts';
export { type SqlTransportOptions, sqlTransport } from './sql-transport.ts';
export { sqlWatermarks } from './sql-watermarks.ts';
