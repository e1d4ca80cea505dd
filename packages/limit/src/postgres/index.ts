export { POSTGRES_STRATEGIES } from './encode-policies.ts';
export { limitMigrations } from './migrations.ts';
export { type PostgresLimitStoreOptions, postgresLimitStore } from './postgres-store.ts';
