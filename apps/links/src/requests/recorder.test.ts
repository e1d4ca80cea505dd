import type { IncomingMessage } from 'node:http';
import { seededRandom } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { createClientAddresses } from '../redirect/client-address.ts';
import { createRequestRecorder } from './recorder.ts';
import type { AnsweredRequest } from './request.ts';

const call = {
  ip: '192.0.2.1',
  key: 'key_1',
  method: 'GET',
  route: '/x',
  status: 200,
  policy: 'api',
  cost: 1,
} as const;
const visit = {
  method: 'GET',
  url: '/code?secret=1',
  rawHeaders: ['Host', 'sho.rt', 'X-Forwarded-For', '203.0.113.7'],
  socket: { remoteAddress: '127.0.0.1' },
} as unknown as IncomingMessage;

function open(options: { readonly sample?: number; readonly perSecond?: number } = {}) {
  const published: AnsweredRequest[] = [];
  let nowMs = 1_700_000_000_000;
  const recorder = createRequestRecorder({
    publish: (request) => published.push(request),
    addresses: createClientAddresses(['loopback']),
    sample: options.sample ?? 100,
    perSecond: options.perSecond ?? 1_000,
    random: seededRandom(3),
    nowMs: () => nowMs,
  });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { recorder, published, pass };
}

describe('the recorder', () => {
  test('records every call, with weight 1', () => {
    const { recorder, published } = open();
    for (let i = 0; i < 500; i += 1) recorder.call(call);
    expect(published).toHaveLength(500);
    expect(published[0]).toEqual({ ...call, atMs: 1_700_000_000_000, weight: 1 });
    expect(recorder.thinned).toBe(0);
  });

  test('records a redirect with the client behind a trusted proxy, and nothing of what was asked but the route', () => {
    const { recorder, published } = open({ sample: 1 });
    recorder.redirect(visit, 429, 'redirect');
    expect(published).toEqual([
      {
        atMs: 1_700_000_000_000,
        ip: '203.0.113.7',
        key: '',
        method: 'GET',
        route: '/:code',
        status: 429,
        policy: 'redirect',
        cost: 1,
        weight: 1,
      },
    ]);
  });

  test('of redirects it records one in so many, and what it records stands for all', () => {
    const { recorder, published } = open({ sample: 50 });
    for (let i = 0; i < 100_000; i += 1) recorder.redirect(visit, 302, 'redirect');
    expect(published.every(({ weight }) => weight === 50)).toBe(true);
    const sum = published.length * 50;
    expect(Math.abs(sum - 100_000)).toBeLessThan(5 * 50 * Math.sqrt(2_000));
  });

  test('G7: beyond so many calls a second one of many stands for the rest, and says so; the next second begins anew', () => {
    const { recorder, published, pass } = open({ sample: 100, perSecond: 10 });
    for (let i = 0; i < 100_010; i += 1) recorder.call(call);
    expect(recorder.thinned).toBe(100_000);
    expect(published.length).toBeLessThan(10 + 1_000 + 5 * Math.sqrt(1_000));
    const sum = published.reduce((total, { weight }) => total + weight, 0);
    expect(Math.abs(sum - 100_010)).toBeLessThan(5 * 100 * Math.sqrt(1_000));
    pass(1_000);
    published.length = 0;
    for (let i = 0; i < 10; i += 1) recorder.call(call);
    expect(published.map(({ weight }) => weight)).toEqual(Array(10).fill(1));
  });
});
