export { limitMigrations } from './migrations.ts';
export { type PostgresLimitStoreOptions, postgresLimitStore } from './postgres-store.ts';
