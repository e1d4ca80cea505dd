import { expect, test } from 'vitest';
import { checkReadable } from './check-readable.ts';
import type { HistoryEvent } from './history.ts';

const created: HistoryEvent = {
  kind: 'created',
  by: 'a',
  code: 'x',
  url: 'https://example.com/',
  sentMs: 100,
  answeredMs: 110,
};
const read = (status: number, sentMs: number, location?: string): HistoryEvent => ({
  kind: 'read',
  by: 'b',
  code: 'x',
  status,
  sentMs,
  answeredMs: sentMs + 5,
  ...(location === undefined ? {} : { location }),
});
const deleted = (sentMs: number): HistoryEvent => ({
  kind: 'deleted',
  by: 'c',
  code: 'x',
  sentMs,
  answeredMs: sentMs + 5,
});
const check = (...events: HistoryEvent[]) => checkReadable(events.map((event) => [event]));

test('G1: a link made on one instance and read on another breaks nothing', () => {
  expect(check(created, read(302, 111, 'https://example.com/'))).toEqual([]);
});

test('G1: a 404 after the creation was answered is a false one', () => {
  expect(check(created, read(404, 111))[0]?.message).toBe('A false 404: "x", made on a, was not there on b after 1 ms');
});

test('G1: a 404 before the creation was answered is none', () => {
  expect(check(created, read(404, 105))).toEqual([]);
});

test('G1: a 503 says nothing about the link', () => {
  expect(check(created, read(503, 120))).toEqual([]);
});

test('G1: a link that leads elsewhere is found', () => {
  expect(check(created, read(302, 111, 'https://example.org/'))).toHaveLength(1);
});

test('G1: a 404 is right once the deletion was asked for, and false before', () => {
  expect(check(created, deleted(200), read(404, 300))).toEqual([]);
  expect(check(created, deleted(200), read(404, 196))).toEqual([]);
  expect(check(created, deleted(200), read(404, 150))).toHaveLength(1);
});

test('G1: a creation may fail with 503 and Retry-After or, for an alias, 409; nothing else', () => {
  const failed = (status: number, more: object = {}): HistoryEvent => ({
    kind: 'not-created',
    by: 'a',
    status,
    sentMs: 0,
    answeredMs: 1,
    ...more,
  });
  expect(check(failed(503, { retryAfter: '1' }), failed(409, { alias: 'x' }))).toEqual([]);
  expect(check(failed(503))).toHaveLength(1);
  expect(check(failed(503, { retryAfter: '0.5' }))).toHaveLength(1);
  expect(check(failed(409))).toHaveLength(1);
  expect(check(failed(500))).toHaveLength(1);
  expect(check(failed(0, { error: 'ECONNRESET' }))[0]?.message).toMatch(
    /^A creation on a failed with no answer \(ECONN/,
  );
});
