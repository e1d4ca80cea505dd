import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import type { Config } from '../config.ts';
import { StartupError } from '../startup-error.ts';

/** Connections that may wait to be accepted. Many: a burst of new clients waits instead of being turned away. */
export const BACKLOG = 4_096;

/** @throws {StartupError} */
export async function listen(
  server: Server,
  { host, port }: { readonly host: string | undefined; readonly port: number },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)));
    server.listen({ port, backlog: BACKLOG, ...(host === undefined ? {} : { host }) }, resolve);
  });
}

function explain(error: NodeJS.ErrnoException, host: string | undefined, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartupError(`PORT: ${port} is in use by another process; stop it, or choose another port`, {
        cause: error,
      });
    case 'EACCES':
      return new StartupError(`PORT: this user may not listen on ${port}; choose one above 1023`, { cause: error });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartupError(`HOST: "${host}" is no address of this machine; leave HOST out to listen on all`, {
        cause: error,
      });
    default:
      return error;
  }
}

/** With `PORT=0`: a free port instead, chosen before anything else, since short URLs and loops are told by it. */
export async function withRealPort(config: Config): Promise<Config> {
  if (config.port !== 0) return config;
  const probe = createServer();
  await new Promise<void>((resolve) =>
    probe.listen({ port: 0, ...(config.host === undefined ? {} : { host: config.host }) }, resolve),
  );
  const { port } = probe.address() as AddressInfo;
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return { ...config, port, publicUrl: config.publicUrl.replace(/^http:\/\/localhost:0$/, `http://localhost:${port}`) };
}
