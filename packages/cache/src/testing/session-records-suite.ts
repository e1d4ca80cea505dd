import { describe, expect, test } from 'vitest';
import { createSessionStore } from '../sessions/create-session-store.ts';
import type { SessionRecords } from '../sessions/session-records.ts';

interface Basket {
  items: string[];
  at: Date;
  total?: bigint;
}

export interface RecordsSuiteOptions<Records> {
  readonly name: string;
  /** Empty, or with nothing that this suite could meet. */
  readonly create: () => Promise<Records> | Records;
  /** Lets so much time pass for the records. */
  readonly pass: (ms: number) => Promise<void>;
}

const basket = (...items: string[]): Basket => ({ items, at: new Date(items.length), total: 2n ** 70n });

/** What holds for sessions wherever they are kept. */
export function sessionRecordsSuite({ name, create, pass }: RecordsSuiteOptions<SessionRecords>): void {
  const open = async (ttl: '1h' | '1200ms' = '1h') => createSessionStore<Basket>({ records: await create(), ttl });

  describe(`sessions in ${name}`, () => {
    test('come back with the types they had, as copies, under ids of 256 random bits', async () => {
      const store = await open();
      const first = await store.start(basket('a'));
      const other = await store.start(basket('b', 'c'));
      expect(first.id).toMatch(/^[\w-]{43}$/);
      expect(other.id).not.toBe(first.id);
      const read = await store.get(first.id);
      expect(read).toEqual(first);
      expect(read?.data.at).toBeInstanceOf(Date);
      read?.data.items.push('mine');
      expect((await store.get(first.id))?.data).toEqual(basket('a'));
      expect((await store.get(other.id))?.data).toEqual(basket('b', 'c'));
    });

    test('are saved over what was read, and over nothing else', async () => {
      const store = await open();
      const started = await store.start(basket('a'));
      const saved = await store.save(started, basket('a', 'b'));
      if (saved.outcome !== 'saved') throw new Error(saved.outcome);
      expect(await store.save(started, basket('lost'))).toEqual({ outcome: 'conflict' });
      expect(await store.get(started.id)).toEqual(saved.session);
      expect((await store.save(saved.session, basket())).outcome).toBe('saved');
    });

    test('that have ended do not come back', async () => {
      const store = await open();
      const session = await store.start(basket('a'));
      await store.end(session.id);
      expect(await store.get(session.id)).toBeUndefined();
      expect(await store.save(session, basket('b'))).toEqual({ outcome: 'ended' });
      expect(await store.touch(session.id)).toBe('ended');
      expect(await store.get(session.id)).toBeUndefined();
    });

    test('a write in whatever state does not bring back what has ended, nor replace what is there as new', async () => {
      const records = await create();
      await records.end('early', 60_000);
      for (const replaces of ['any', 'new', { version: '0123456789abcdef' }] as const) {
        expect(await records.write('early', { text: 'x', forMs: 60_000, replaces })).toEqual({ outcome: 'ended' });
      }
      expect(
        await records.write('none', { text: 'x', forMs: 60_000, replaces: { version: '0123456789abcdef' } }),
      ).toEqual({
        outcome: 'ended',
      });
      expect((await records.write('there', { text: 'x', forMs: 60_000, replaces: 'any' })).outcome).toBe('written');
      expect(await records.write('there', { text: 'y', forMs: 60_000, replaces: 'new' })).toEqual({
        outcome: 'conflict',
      });
      expect((await records.write('there', { text: 'y', forMs: 60_000, replaces: 'any' })).outcome).toBe('written');
      expect((await records.read('there'))?.text).toBe('y');
    });

    test('live for their ttl, which saving and touching begin anew and reading does not', async () => {
      const store = await open('1200ms');
      const [read, touched, saved] = [
        await store.start(basket()),
        await store.start(basket()),
        await store.start(basket()),
      ];
      await pass(800);
      await store.get(read.id);
      expect(await store.touch(touched.id)).toBe('prolonged');
      expect((await store.save(saved, basket('s'))).outcome).toBe('saved');
      await pass(800);
      expect(await store.get(read.id)).toBeUndefined();
      expect([await store.get(touched.id), await store.get(saved.id)]).toMatchObject([
        { data: basket() },
        { data: basket('s') },
      ]);
      await pass(1_300);
      expect([await store.touch(touched.id), await store.get(saved.id)]).toEqual(['ended', undefined]);
    });

    test('whatever else a cookie holds is no session', async () => {
      const store = await open();
      for (const id of ['', '*', '__proto__', 'a'.repeat(43), 'a'.repeat(100_000), '../../etc', '\n']) {
        expect(await store.get(id)).toBeUndefined();
        expect(await store.touch(id)).toBe('ended');
        await store.end(id);
      }
    });
  });
}
