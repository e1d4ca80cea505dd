import { connect, createServer, type Socket } from 'node:net';
import pg from 'pg';

const OLD = '130014';

/**
 * The PostgreSQL behind `url`, all of it but its age: in its answers the version is that of one that is out of support. Both
 * versions are six digits, so that no length in the protocol changes.
 */
export async function startOldPostgres(url: string): Promise<AsyncDisposable & { readonly url: string }> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num');
  await client.end();
  const version = rows[0]?.server_version_num ?? '';
  if (version.length !== OLD.length) throw new Error(`The version is ${OLD.length} digits, got "${version}"`);
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    near.pipe(far);
    far.on('data', (bytes: Buffer) =>
      near.write(Buffer.from(bytes.toString('latin1').replaceAll(version, OLD), 'latin1')),
    );
    far.on('end', () => near.end());
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const old = new URL(url);
  old.hostname = '127.0.0.1';
  old.port = String((server.address() as { port: number }).port);
  return {
    url: old.href,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
