import { createHash, hash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import type { Client } from './click.ts';
import type { Countries } from './countries.ts';
import { memoizeRecent } from './memoize-recent.ts';

/** Clients remembered per generation: about 150 bytes each, so at most some 20 MB in all. */
const REMEMBERED = 65_536;

export interface IdentifyOptions {
  /** The service's secret: who does not have it can not tell an address from its hash by trying them all. */
  readonly secret: string;
  readonly countries: Countries;
  /** Clients remembered per generation. Default 65,536. */
  readonly remembered?: number;
}

/**
 * Address -> visitor hash and country. Both need the address, which goes no further than this function.
 *
 * The hash is SHA-256 over a key of fixed length and the address, cut to 64 bits. What is cut off can not be extended, so
 * HMAC's second pass would buy nothing; 64 bits keep the odds of two among ten million visitors meeting near one in 400,000.
 */
export function createIdentify(options: IdentifyOptions): (ip: string) => Client {
  const key = createHash('sha256').update(`spillway:visitor:v1:${options.secret}`).digest('hex');
  const identify = (ip: string): Client => {
    const address = canonicalAddress(ip);
    return { visitor: hash('sha256', key + address, 'hex').slice(0, 16), country: options.countries.of(address) };
  };
  return memoizeRecent(options.remembered ?? REMEMBERED, identify);
}

/** One spelling per address: IPv4-mapped IPv6 as IPv4, IPv6 in its short lower-case form without a zone. */
export function canonicalAddress(ip: string): string {
  if (!ip.includes(':')) return ip;
  const bare = ip.split('%', 1)[0] ?? ip;
  if (!ipaddr.IPv6.isValid(bare)) return ip;
  const address = ipaddr.IPv6.parse(bare);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
}
