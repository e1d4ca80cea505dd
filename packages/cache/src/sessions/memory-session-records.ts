import { randomUUID } from 'node:crypto';
import { monotonicClock } from '@spillway/kernel';
import { createExpiringMap } from '../secrets/expiring-map.ts';
import type { MemoryRecordsOptions } from '../secrets/memory-records-options.ts';
import type { SessionRecord, SessionRecords } from './session-records.ts';

/**
 * Sessions in the memory of **this process alone**: gone when it ends, unknown to every other. For one process, and for tests; with
 * several, who is sent to another one is logged out there.
 */
export function memorySessionRecords({
  maxEntries = 100_000,
  clock = monotonicClock,
}: MemoryRecordsOptions = {}): SessionRecords {
  const entries = createExpiringMap<SessionRecord | 'ended'>('The memory for sessions', maxEntries, clock);
  const live = (name: string): SessionRecord | undefined => {
    const entry = entries.get(name);
    return entry === 'ended' ? undefined : entry;
  };
  return {
    read: async (name) => live(name),
    async write(name, { text, forMs, replaces }) {
      const present = entries.get(name);
      if (present === 'ended') return { outcome: 'ended' };
      if (replaces === 'new' && present !== undefined) return { outcome: 'conflict' };
      if (typeof replaces === 'object') {
        if (present === undefined) return { outcome: 'ended' };
        if (present.version !== replaces.version) return { outcome: 'conflict' };
      }
      const version = randomUUID();
      entries.set(name, { version, text }, forMs);
      return { outcome: 'written', version };
    },
    async touch(name, forMs) {
      const record = live(name);
      if (record !== undefined) entries.set(name, record, forMs);
      return record !== undefined;
    },
    async end(name, rememberMs) {
      entries.set(name, 'ended', rememberMs);
    },
  };
}
