import { ConfigurationError } from '@spillway/kernel';
import { isIpv4, parseIpv6, withoutPort } from './ip-address.ts';

export interface ClientKeyOptions {
  /** Leading bits of an IPv6 address that count as one client: 1 to 128. Default 64, what one subscriber gets at least. */
  readonly ipv6Prefix?: number;
}

/**
 * The key of a client, from its address: an IPv4 address as it is, also when written as IPv6 (`::ffff:1.2.3.4`); an IPv6 address
 * by its prefix, since one client owns billions of them. Every way to write an address gives the same key; a port or a zone is
 * left out. What is no address gets a key of its own, which no address has.
 *
 * The address must come from somebody who is believed: the socket, or a header that a trusted proxy set.
 */
export function clientKey(address: string, options: ClientKeyOptions = {}): string {
  const { ipv6Prefix = 64 } = options;
  if (!Number.isInteger(ipv6Prefix) || ipv6Prefix < 1 || ipv6Prefix > 128) {
    throw new ConfigurationError(`ipv6Prefix must be an integer from 1 to 128, got ${String(ipv6Prefix)}`);
  }
  if (isIpv4(address)) return address;
  const bare = withoutPort(address);
  if (isIpv4(bare)) return bare;
  const words = parseIpv6(bare);
  if (words === undefined) return `invalid:${address}`;
  return (
    mappedIpv4(words) ??
    `${masked(words, ipv6Prefix)
      .map((word) => word.toString(16))
      .join(':')}/${ipv6Prefix}`
  );
}

function mappedIpv4(words: readonly number[]): string | undefined {
  const [high = 0, low = 0] = words.slice(6);
  const isMapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  return isMapped ? `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}` : undefined;
}

const masked = (words: readonly number[], prefix: number): number[] =>
  words
    .slice(0, Math.ceil(prefix / 16))
    .map((word, at) => word & (0xffff << Math.max(0, 16 - (prefix - at * 16))) & 0xffff);
