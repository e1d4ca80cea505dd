export { type NotifyBusOptions, notifyBus } from './notify-bus.ts';
export type { NotifyClient, NotifyMessage } from './notify-client.ts';
export { type PostgresPresenceOptions, postgresPresence, presenceMigrations } from './postgres-presence.ts';
