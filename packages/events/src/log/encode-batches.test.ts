import { expect, test } from 'vitest';
import { jsonCodec } from '../codec.ts';
import { encodeBodies } from './encode-batches.ts';

const decode = (bodies: readonly { readonly body: Uint8Array }[]) =>
  bodies.flatMap(({ body }) => jsonCodec<unknown>().decode(body));

test('one event that can not be encoded takes no other with it', () => {
  const events: unknown[] = [1, 2, 3n, 4, 5];
  const { bodies, refused } = encodeBodies(jsonCodec(), events);
  expect(decode(bodies)).toEqual([1, 2, 4, 5]);
  expect(refused).toMatchObject([{ event: 3n, reason: 'unencodable', error: expect.any(TypeError) }]);
  expect(bodies.reduce((sum, body) => sum + body.events, 0)).toBe(4);
});

test('what is too much for one batch becomes several, in order; an event larger than a batch is refused', () => {
  const events = ['a'.repeat(40), 'b'.repeat(40), 'c'.repeat(400), 'd'.repeat(40)];
  const { bodies, refused } = encodeBodies(jsonCodec<string>(), events, 100);
  expect(decode(bodies)).toEqual([events[0], events[1], events[3]]);
  expect(bodies.every(({ body }) => body.length <= 100)).toBe(true);
  expect(refused).toMatchObject([{ event: events[2], reason: 'too-large' }]);
});
