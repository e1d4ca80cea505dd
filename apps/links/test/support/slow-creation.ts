import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** A creation of a link that is under way for as long as a test wants: the service has its head, and waits for the body. */
export interface SlowCreation {
  /** Sends the body. */
  finish(): Promise<{ readonly status: number; readonly servedBy: string | undefined }>;
}

export async function beginCreation(url: string, adminKey: string): Promise<SlowCreation> {
  const body = JSON.stringify({ url: 'https://example.org/slow' });
  const sent = request(`${url}/api/v1/links`, {
    method: 'POST',
    headers: {
      'x-api-key': adminKey,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      expect: '100-continue',
    },
  });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  // Looked at in `finish`; a service that dies first must not end the test run.
  answered.catch(() => undefined);
  sent.flushHeaders();
  await once(sent, 'continue');
  return {
    async finish() {
      sent.end(body);
      const [response] = await answered;
      response.resume();
      await once(response, 'end');
      return { status: response.statusCode ?? 0, servedBy: response.headers['x-served-by'] as string | undefined };
    },
  };
}
