export { eventMigrations } from './migrations.ts';
export { sqlWatermarks } from './sql-watermarks.ts';
