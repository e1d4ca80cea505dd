import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StartupError } from '../startup-error.ts';

/** Listens; returns the port, which the system chose if 0 was asked for. @throws {StartupError} */
export async function listen(
  server: Server,
  { host, port }: { host: string | undefined; port: number },
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)));
    // A long queue of connections: a burst of new clients waits instead of being turned away.
    server.listen({ port, backlog: 4_096, ...(host === undefined ? {} : { host }) }, resolve);
  });
  return (server.address() as AddressInfo).port;
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
