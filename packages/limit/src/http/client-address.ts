import { ConfigurationError, type Issue } from '@spillway/kernel';
import { isIpv4, parseAddress, withoutPort } from './ip-address.ts';

/** A client's address, from the peer of its connection and the `X-Forwarded-For` that came with the request. */
export type ClientAddress = (peer: string, forwardedFor: string | undefined) => string;

/**
 * Believes `X-Forwarded-For` only from `trustedProxies`: addresses, networks such as `10.0.0.0/8`, or `loopback`. The client is
 * the last address in it that is no trusted proxy; what a client writes there itself stands further left, and is never reached.
 * @throws {ConfigurationError} with every entry at fault
 */
export function clientAddress(trustedProxies: readonly string[]): ClientAddress {
  const networks = parseNetworks(trustedProxies);
  const isTrusted = (address: string): boolean => {
    const words = parseAddress(address);
    return words !== undefined && networks.some((network) => contains(network, words));
  };
  return (peer, forwardedFor) => {
    let address = peer;
    let end = forwardedFor?.length ?? 0;
    // From the right, and no further than there are proxies: the header can be long, and its left side is anybody's.
    while (forwardedFor !== undefined && end > 0 && isTrusted(address)) {
      const start = forwardedFor.lastIndexOf(',', end - 1);
      const hop = withoutPort(forwardedFor.slice(start + 1, end).trim());
      // Nonsense would give everybody behind this proxy as many keys as they like.
      if (parseAddress(hop) === undefined) break;
      address = hop;
      end = start;
    }
    return address;
  };
}

interface Network {
  readonly words: readonly number[];
  readonly bits: number;
}

function parseNetworks(trustedProxies: readonly string[]): readonly Network[] {
  const issues: Issue[] = [];
  const networks = trustedProxies.flatMap((text, at) => {
    const parsed = text === 'loopback' ? LOOPBACK.map(parseNetwork) : [parseNetwork(text)];
    if (!parsed.includes(undefined)) return parsed as Network[];
    const message = `must be an address, a network such as "10.0.0.0/8", or "loopback", got ${JSON.stringify(text)}`;
    issues.push({ path: `trustedProxies[${at}]`, message });
    return [];
  });
  if (issues.length > 0) throw new ConfigurationError('The rate limit is set up wrong:', issues);
  return networks;
}

const LOOPBACK = ['127.0.0.0/8', '::1'];

function parseNetwork(text: string): Network | undefined {
  const [, address, length] = /^([^/[\]]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const words = address === undefined || withoutPort(address) !== address ? undefined : parseAddress(address);
  if (address === undefined || words === undefined) return undefined;
  const ahead = isIpv4(address) ? 96 : 0;
  const bits = length === undefined ? 128 : ahead + Number(length);
  return bits > 128 ? undefined : { words, bits };
}

function contains({ words, bits }: Network, address: readonly number[]): boolean {
  // IPv4 is written as a part of IPv6 here, which no network of IPv6 means.
  if (isMapped(address) !== (bits >= 96 && isMapped(words))) return false;
  for (let at = 0, left = bits; left > 0; at += 1, left -= 16) {
    const mask = left >= 16 ? 0xffff : (0xffff << (16 - left)) & 0xffff;
    if ((((words[at] ?? 0) ^ (address[at] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

const isMapped = (words: readonly number[]): boolean =>
  words[5] === 0xffff && words.slice(0, 5).every((word) => word === 0);
