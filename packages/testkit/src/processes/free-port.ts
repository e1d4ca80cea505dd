import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const LOWEST = 10_240;
const given = new Set<number>();

/**
 * A TCP port that nobody listens on. It lies below the range from which the kernel takes the ports of outgoing connections, so
 * that a server can be stopped and come back on it. Not given twice in this process.
 */
export async function freePort(): Promise<number> {
  const end = Math.min(firstEphemeralPort(), 32_768);
  for (let tries = 0; tries < 200; tries++) {
    const candidate = end - LOWEST < 1_000 ? 0 : randomInt(LOWEST, end);
    if (given.has(candidate)) continue;
    const port = await listenOnce(candidate);
    if (port === undefined || given.has(port)) continue;
    given.add(port);
    return port;
  }
  throw new Error('No free TCP port found in 200 tries; what else runs on this machine?');
}

function firstEphemeralPort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s/, 1)[0]);
  } catch {
    return 32_768;
  }
}

// Without a host: on every address, as some of the servers will.
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
