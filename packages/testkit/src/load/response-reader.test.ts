import { expect, test } from 'vitest';
import { createResponseReader } from './response-reader.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nServer: x\r\n';
const whole: [name: string, text: string, status: number, method?: string][] = [
  ['no body', 'HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n', 302],
  ['a length', `${HEAD}content-length: 5\r\n\r\nhello`, 200],
  [
    'chunks and a trailer',
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nA: b\r\n\r\n`,
    200,
  ],
  ['HEAD', `${HEAD}Content-Length: 5\r\n\r\n`, 200, 'HEAD'],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
  ['an interim answer', `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${HEAD}Content-Length: 2\r\n\r\nok`, 200],
];

test.each(whole)('a response with %s is complete with its last byte, however it is cut', (_, text, status, method) => {
  for (const size of [1, 2, 3, 7, text.length]) {
    const reader = createResponseReader();
    reader.reset(method ?? 'GET');
    // One buffer for all reads, as the sockets have it.
    const shared = Buffer.alloc(size);
    for (let at = 0; at < text.length; at += size) {
      const n = shared.write(text.slice(at, at + size), 'latin1');
      const response = reader.push(shared.subarray(0, n));
      if (at + size < text.length) expect(response, `${size} at ${at}`).toBeUndefined();
      else expect(response).toMatchObject({ status, keepAlive: true });
    }
  }
});

test('a response without a length ends with its connection', () => {
  const reader = createResponseReader();
  reader.reset('GET');
  expect(reader.push(Buffer.from(`${HEAD}\r\nhel`))).toBeUndefined();
  expect(reader.push(Buffer.from('lo'))).toBeUndefined();
  expect(reader.end()).toMatchObject({ status: 200, keepAlive: false });
});

test('a response cut short by the end of its connection is none', () => {
  const reader = createResponseReader();
  reader.reset('GET');
  reader.push(Buffer.from(`${HEAD}Content-Length: 5\r\n\r\nhel`));
  expect(reader.end()).toBeUndefined();
});

test('what is not HTTP is refused', () => {
  expect(() => createResponseReader().push(Buffer.from('SSH-2.0-x\r\n\r\n'))).toThrow('Not an HTTP/1.1 response');
});

test('"Connection: close" is told', () => {
  const text = `${HEAD}Connection: close\r\nContent-Length: 0\r\n\r\n`;
  expect(createResponseReader().push(Buffer.from(text))?.keepAlive).toBe(false);
});
