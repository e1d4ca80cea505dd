import { hostname, networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

/** Whether a host and a port, as WHATWG URL writes them, are this service's own: a link there could be a loop. */
export type LeadsBack = (host: string, port: string) => boolean;

/**
 * By the names that clients use for the service (`name` or `name:port`), and on its port by everything that is this machine.
 * Nothing is resolved: a foreign name that points here is not known.
 */
export function createLeadsBack(ownHosts: Iterable<string>, ownPort: number): LeadsBack {
  const own = new Set([...ownHosts].map((host) => host.replace(/^\[[^\]]*\]/, unmapped)));
  return (host, port) => {
    const name = unmapped(host);
    if (own.has(name) || own.has(`${name}:${port}`)) return true;
    return port === String(ownPort) && isThisMachine(name);
  };
}

/** An IPv4 address that is written as an IPv6 one (`[::ffff:7f00:1]`) is the same place. */
function unmapped(host: string): string {
  const address = host.slice(1, -1);
  if (!host.startsWith('[') || !ipaddr.IPv6.isValid(address)) return host;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : `[${parsed.toString()}]`;
}

function isThisMachine(name: string): boolean {
  if (/(^|\.)localhost$/.test(name) || name === hostname().toLowerCase()) return true;
  const address = name.replace(/^\[|\]$/g, '');
  if (!ipaddr.isValid(address)) return false;
  if (['loopback', 'unspecified'].includes(ipaddr.parse(address).range())) return true;
  return Object.values(networkInterfaces()).some((each) => each?.some((one) => one.address === address));
}
