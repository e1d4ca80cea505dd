import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/**
 * Sends bytes as they are and reads until the server closes, or until it has answered with the length that it names: what no
 * HTTP client would send. `from` is the client's own address on the loopback.
 */
export function sendRaw(
  port: number,
  bytes: string | Buffer,
  { from = '127.0.0.1', until = 'answered' }: { from?: string; until?: 'answered' | 'closed' } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    let received = '';
    const whole = () => {
      const end = received.indexOf('\r\n\r\n');
      if (end === -1) return undefined;
      const head = received.slice(0, end);
      const body = received.slice(end + 4);
      return {
        status: Number(head.split(' ')[1]),
        head,
        body,
        length: Number(/content-length: (\d+)/i.exec(head)?.[1]),
      };
    };
    const finish = () => {
      const answer = whole();
      socket.destroy();
      if (answer === undefined) reject(new Error(`No answer, got "${received.slice(0, 200)}"`));
      else resolve(answer);
    };
    socket.setEncoding('latin1');
    socket.setTimeout(20_000, finish);
    socket.on('data', (text: string) => {
      received += text;
      const answer = whole();
      if (until === 'answered' && answer !== undefined && answer.body.length >= answer.length) finish();
    });
    socket.on('end', finish);
    // The server may close while we still send: what it had answered counts.
    socket.on('error', finish);
    socket.write(bytes, 'latin1');
  });
}

/** A request as text, with what HTTP/1.1 needs. */
export function rawRequest(line: string, headers: Readonly<Record<string, string>> = {}, body = ''): string {
  const all = { Host: 'localhost', Connection: 'close', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${[`${line} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n${body}`;
}
