import { existsSync } from 'node:fs';
import { startNginx, until } from '@spillway/testkit';
import { expect, test } from 'vitest';

const answering = (status: number) => (context: { port: number }) =>
  `
worker_processes 2;
events { worker_connections 64; }
http {
  server { listen 127.0.0.1:${context.port}; return ${status}; }
}`;

test('an nginx answers as configured, reloads, and is gone after close', async () => {
  const nginx = await startNginx({ config: answering(418) });
  expect((await fetch(nginx.url)).status).toBe(418);
  await nginx.reload(answering(204));
  await until(async () => (await fetch(nginx.url)).status === 204);
  await nginx.stop();
  await expect(fetch(nginx.url)).rejects.toThrow();
  await nginx.close();
  expect(existsSync(nginx.dir)).toBe(false);
});

test('a wrong configuration is an error that shows what nginx says', async () => {
  await expect(startNginx({ config: 'events {} nonsense on;' })).rejects.toThrow('unknown directive "nonsense"');
});
