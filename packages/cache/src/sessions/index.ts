export type { MemoryRecordsOptions } from '../secrets/memory-records-options.ts';
export {
  createSessionStore,
  type Saved,
  type Session,
  type SessionStore,
  type SessionStoreOptions,
} from './create-session-store.ts';
export { memorySessionRecords } from './memory-session-records.ts';
export type { SessionRecord, SessionRecords, SessionWrite, SessionWritten } from './session-records.ts';
