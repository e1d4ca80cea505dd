import { describe, expect, test } from 'vitest';
import { createOtpStore } from '../otp/create-otp-store.ts';
import type { OtpRecords } from '../otp/otp-records.ts';
import type { OtpStoreOptions } from '../otp/parse-otp-options.ts';
import type { RecordsSuiteOptions } from './session-records-suite.ts';

const secret = 'a secret of at least thirty-two bytes';
const other = (code: string): string => code.replace(/./g, (digit) => String((Number(digit) + 1) % 10));

/** What holds for one-time passwords wherever they are kept. */
export function otpRecordsSuite({ name, create, pass }: RecordsSuiteOptions<OtpRecords>): void {
  const open = async (options: Partial<OtpStoreOptions> = {}) =>
    createOtpStore({ records: await create(), name: 'login', secret, ...options });

  describe(`one-time passwords in ${name}`, () => {
    test('are accepted once', async () => {
      const store = await open();
      const { code, expiresInMs } = await store.issue('ada');
      expect([/^\d{6}$/.test(code), expiresInMs]).toEqual([true, 300_000]);
      expect(await store.verify('ada', code)).toEqual({ outcome: 'accepted' });
      expect(await store.verify('ada', code)).toEqual({ outcome: 'refused', reason: 'none' });
    });

    test('of all who have it at the same moment, one is accepted', async () => {
      const store = await open({ attempts: 50 });
      const { code } = await store.issue('ada');
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => store.verify('ada', code)));
      expect(verdicts.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);
    });

    test('can be tried so often and no more, not even at once', async () => {
      const store = await open({ attempts: 3 });
      const { code } = await store.issue('ada');
      const wrong = other(code);
      const tries = await Promise.all(Array.from({ length: 20 }, () => store.verify('ada', wrong)));
      const left = tries.map((verdict) => ('attemptsLeft' in verdict ? verdict.attemptsLeft : verdict.outcome));
      expect(left.filter((each) => typeof each === 'number').sort()).toEqual([0, 1, 2]);
      expect(await store.verify('ada', code)).toEqual({ outcome: 'refused', reason: 'exhausted' });
      const next = await store.issue('ada');
      expect(await store.verify('ada', next.code)).toEqual({ outcome: 'accepted' });
    });

    test('a wrong one costs an attempt, and the right one is still good', async () => {
      const store = await open();
      const { code } = await store.issue('ada');
      for (const wrong of [
        other(code),
        '',
        `${code} `,
        `0${code}`,
        '1'.repeat(1_000),
        undefined as unknown as string,
      ].slice(0, 4)) {
        expect(await store.verify('ada', wrong)).toMatchObject({ outcome: 'refused', reason: 'wrong' });
      }
      expect(await store.verify('ada', code)).toEqual({ outcome: 'accepted' });
      const second = await store.issue('ada');
      for (const wrong of ['1'.repeat(1_000), undefined as unknown as string]) {
        expect(await store.verify('ada', wrong)).toMatchObject({ outcome: 'refused', reason: 'wrong' });
      }
      expect((await store.verify('ada', second.code)).outcome).toBe('accepted');
    });

    test('a new one takes the place of the last, a revoked one is void, and time ends them', async () => {
      const store = await open({ ttl: '1s', digits: 12 });
      const first = await store.issue('ada');
      const second = await store.issue('ada');
      expect(second.code).toHaveLength(12);
      expect(await store.verify('ada', first.code)).toMatchObject({ reason: 'wrong' });
      expect((await store.verify('ada', second.code)).outcome).toBe('accepted');
      const third = await store.issue('ada');
      await store.revoke('ada');
      expect(await store.verify('ada', third.code)).toEqual({ outcome: 'refused', reason: 'none' });
      const fourth = await store.issue('ada');
      await pass(1_050);
      expect(await store.verify('ada', fourth.code)).toEqual({ outcome: 'refused', reason: 'none' });
    });

    test('G8: a code is good for its subject and its use, whatever their names hold', async () => {
      const records = await create();
      const of = (use: string) => createOtpStore({ records, name: use, secret, attempts: 100 });
      const names = ['a', 'a:b', 'b', '', '__proto__', '{a}', '*', '\ud800', '\udfff', '["a"]'].filter(
        (use) => use !== '',
      );
      const codes = new Map<string, string>();
      for (const use of names)
        for (const subject of names) codes.set(`${use}|${subject}`, (await of(use).issue(subject)).code);
      for (const use of names) {
        for (const subject of names) {
          const code = codes.get(`${use}|${subject}`) as string;
          expect([use, subject, await of(use).verify(subject, code)]).toEqual([use, subject, { outcome: 'accepted' }]);
        }
      }
    });

    test('an instance with another secret accepts nothing', async () => {
      const records = await create();
      const stranger = createOtpStore({ records, name: 'login', secret: `${secret}!` });
      const { code } = await createOtpStore({ records, name: 'login', secret }).issue('ada');
      expect(await stranger.verify('ada', code)).toEqual({ outcome: 'refused', reason: 'none' });
    });
  });
}
