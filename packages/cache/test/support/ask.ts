import { type IncomingHttpHeaders, request } from 'node:http';

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The cache's member of `Cache-Status`, without its name. */
  readonly cache: string;
}

/** One request on a connection of its own, with nothing added to its fields. */
export function ask(
  { port }: { readonly port: number },
  path = '/',
  { method = 'GET', ...headers }: Record<string, string> = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks);
        const cache = String(response.headers['cache-status'] ?? '').replace(/^\w+;/, '');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString(), cache });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Resolves when the response has begun; `leave` cuts the connection. */
export function askAndStay({ port }: { readonly port: number }, path = '/') {
  const asked = request({ host: '127.0.0.1', port, path, agent: false });
  const begun = new Promise<void>((resolve, reject) => {
    asked.on('response', (response) => {
      response.on('error', () => undefined);
      response.once('data', () => resolve());
    });
    asked.on('error', reject);
  });
  begun.catch(() => undefined);
  asked.end();
  return { begun, leave: () => void asked.destroy() };
}
