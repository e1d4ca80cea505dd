import { expect, test } from 'vitest';
import { handClock } from '../testing/fixture.ts';
import { otpRecordsSuite } from '../testing/otp-records-suite.ts';
import { createOtpStore } from './create-otp-store.ts';
import { memoryOtpRecords } from './memory-otp-records.ts';

const clock = handClock();
otpRecordsSuite({
  name: 'memory',
  create: () => memoryOtpRecords({ clock }),
  pass: async (ms) => clock.advanceMs(ms),
});

test('wrong options are refused, all of them at once', () => {
  const records = memoryOtpRecords();
  expect(() => createOtpStore({ records, name: '', secret: 'short', ttl: '2d', attempts: 0, digits: 4 })).toThrow(
    /name: .*\n.*secret: must be at least 32 bytes.*\n.*ttl: .*"2d"\n.*attempts: .*got 0\n.*digits: .*got 4/,
  );
  expect(() => createOtpStore({ records, name: 'n', secret: new Uint8Array(32), ttl: 'soon' as '1s' })).toThrow(
    '"soon" is not a duration',
  );
});

test('codes are spread over all there are', async () => {
  const store = createOtpStore({ records: memoryOtpRecords(), name: 'n', secret: new Uint8Array(32) });
  const codes = await Promise.all(Array.from({ length: 300 }, (_, n) => store.issue(String(n))));
  expect(new Set(codes.map(({ code }) => code)).size).toBeGreaterThan(290);
  expect(new Set(codes.map(({ code }) => code[0])).size).toBe(10);
});
