import type { Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import { ipv4Number } from '../clicks/ipv4.ts';

/** Who a request comes from, behind proxies that are believed. */
export interface ClientAddresses {
  readonly trust: 'nobody' | 'some';
  isTrusted(peer: string): boolean;
  /**
   * The client's address: the peer's own, or, if the peer is a trusted proxy, the last address in `X-Forwarded-For` that is not
   * one. What a client writes there itself stands further left, and is never reached.
   */
  of(peer: string | undefined, forwardedFor: string | undefined): string;
  /** The same for a request's connection, of which it is found out only once whether its peer is trusted. */
  ofConnection(socket: Socket, forwardedFor: string | undefined): string;
}

/** On a connection: whether its peer is a trusted proxy. Its address never changes. */
const TRUSTED = Symbol('trusted proxy');
interface Known extends Socket {
  [TRUSTED]?: boolean;
}

/** What stands for the address of a connection that is already gone. */
const NOBODY = '0.0.0.0';
/** Proxies remembered; beyond it they are looked at again (G7). */
const MAX_REMEMBERED = 1_000;
const LOOPBACK = ['127.0.0.0/8', '::1/128'];

export function createClientAddresses(trustedProxies: readonly string[]): ClientAddresses {
  const networks = trustedProxies.flatMap((text) => (text === 'loopback' ? LOOPBACK : [text])).map(toNetwork);
  const remembered = new Map<string, boolean>();
  const isTrusted = (address: string): boolean => {
    const known = remembered.get(address);
    if (known !== undefined) return known;
    const trusted = matches(address, networks);
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(address, trusted);
    return trusted;
  };
  const lastUntrusted = (peer: string, forwardedFor: string): string => {
    if (ipv4Number(forwardedFor) !== -1) return forwardedFor;
    let address = peer;
    for (const hop of forwardedFor.split(',').reverse()) {
      const next = believable(hop.trim());
      if (next === undefined) return address;
      address = next;
      if (!matches(address, networks)) return address;
    }
    return address;
  };
  return {
    trust: networks.length === 0 ? 'nobody' : 'some',
    isTrusted: (peer) => networks.length > 0 && isTrusted(peer),
    of: (peer = NOBODY, forwardedFor) =>
      forwardedFor === undefined || networks.length === 0 || !isTrusted(peer)
        ? peer
        : lastUntrusted(peer, forwardedFor),
    ofConnection(socket: Known, forwardedFor) {
      if (forwardedFor === undefined || networks.length === 0) return socket.remoteAddress ?? NOBODY;
      socket[TRUSTED] ??= isTrusted(socket.remoteAddress ?? NOBODY);
      // The usual case: one proxy, one address. The peer's own is not asked for, which costs as much as all the rest.
      if (socket[TRUSTED] && ipv4Number(forwardedFor) !== -1) return forwardedFor;
      const peer = socket.remoteAddress ?? NOBODY;
      return socket[TRUSTED] ? lastUntrusted(peer, forwardedFor) : peer;
    },
  };
}

type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

function toNetwork(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

function matches(text: string, networks: readonly Network[]): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  return networks.some((network) => network[0].kind() === address.kind() && address.match(network as never));
}

/** An address as proxies write it, its port taken off; undefined for anything else. */
function believable(hop: string): string | undefined {
  if (ipv4Number(hop) !== -1) return hop;
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? hop;
  return ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare) ? bare : undefined;
}

/** Whether an address is this machine's own. */
export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}
