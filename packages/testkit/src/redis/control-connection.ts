import { createConnection, type Socket } from 'node:net';
import { connect } from 'node:tls';

/** What Redis answers: RESP2. */
export type RedisReply = string | number | null | RedisReply[];

/**
 * One command to a server under test, on a connection of its own: no state that a killed or stopped server could spoil, and
 * no client library whose own retries would blur what the test sees.
 * @throws {Error} Redis' own error, a refused connection, or no answer within `timeoutMs` (5,000)
 */
export async function redisCommand(
  server: {
    readonly host: string;
    readonly port: number;
    readonly password?: string | undefined;
    /** The certificate that it shows, where it speaks TLS. */
    readonly certificate?: string | undefined;
  },
  args: readonly (string | number | Uint8Array)[],
  timeoutMs = 5_000,
): Promise<RedisReply> {
  const { host, port, certificate } = server;
  const socket =
    certificate === undefined
      ? createConnection({ host, port, noDelay: true })
      : connect({ host, port, ca: certificate });
  const login = server.password === undefined ? [] : [['AUTH', server.password]];
  const requests = [...login, args];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `Redis on port ${server.port} did not answer ${String(args[0])} within ${timeoutMs} ms`;
    timer = setTimeout(() => reject(new Error(message)), timeoutMs);
  });
  try {
    const replies = replyReader(socket, requests.length);
    for (const request of requests) socket.write(encode(request));
    const all = await Promise.race([replies, late]);
    const failed = all.find((reply) => reply instanceof Error);
    if (failed instanceof Error) throw failed;
    return all.at(-1) as RedisReply;
  } finally {
    clearTimeout(timer);
    socket.on('error', () => {});
    socket.destroy();
  }
}

function encode(args: readonly (string | number | Uint8Array)[]): Buffer {
  const parts = args.flatMap((arg) => {
    const bytes = typeof arg === 'object' ? Buffer.from(arg) : Buffer.from(String(arg));
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
  });
  return Buffer.concat([Buffer.from(`*${args.length}\r\n`), ...parts]);
}

function replyReader(socket: Socket, count: number): Promise<(RedisReply | Error)[]> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const replies = parseAll(Buffer.concat(chunks), count);
      if (replies !== undefined) resolve(replies);
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('Redis closed the connection')));
  });
}

function parseAll(buffer: Buffer, count: number): (RedisReply | Error)[] | undefined {
  const replies: (RedisReply | Error)[] = [];
  let at = 0;
  while (replies.length < count) {
    const parsed = parse(buffer, at);
    if (parsed === undefined) return undefined;
    replies.push(parsed.reply);
    at = parsed.end;
  }
  return replies;
}

/** One reply from `at` on, or undefined when it is not all there yet. Errors inside arrays (EXEC) are values. */
function parse(buffer: Buffer, at: number): { reply: RedisReply | Error; end: number } | undefined {
  const lineEnd = buffer.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const text = buffer.toString('utf8', at + 1, lineEnd);
  const end = lineEnd + 2;
  switch (String.fromCharCode(buffer[at] ?? 0)) {
    case '+':
      return { reply: text, end };
    case '-':
      return { reply: new Error(text), end };
    case ':':
      return { reply: Number(text), end };
    case '$': {
      const length = Number(text);
      if (length < 0) return { reply: null, end };
      if (buffer.length < end + length + 2) return undefined;
      return { reply: buffer.toString('utf8', end, end + length), end: end + length + 2 };
    }
    case '*': {
      const length = Number(text);
      if (length < 0) return { reply: null, end };
      const items: RedisReply[] = [];
      let next = end;
      for (let i = 0; i < length; i++) {
        const item = parse(buffer, next);
        if (item === undefined) return undefined;
        items.push(item.reply instanceof Error ? `-${item.reply.message}` : item.reply);
        next = item.end;
      }
      return { reply: items, end: next };
    }
    default:
      return { reply: new Error(`Not a RESP2 reply: ${JSON.stringify(text)}`), end };
  }
}
