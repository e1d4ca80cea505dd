import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import type { Countries } from './countries.ts';
import { ipv4Number } from './ipv4.ts';
import { memoizeRecent } from './memoize-recent.ts';
import { createSipHash } from './sip-hash.ts';

/** Clients with other addresses than IPv4 remembered per generation: about 150 bytes each, so at most some 5 MB in all. */
const REMEMBERED = 16_384;

export interface IdentifyOptions {
  /** The service's secret: who does not have it can not tell an address from its hash by trying them all. */
  readonly secret: string;
  readonly countries: Countries;
  /** Clients remembered per generation. Default 16,384. */
  readonly remembered?: number;
}

/** Writes the visitor hash of an address, eight bytes, to `into` at `at`, and returns the country. */
export type Identify = (ip: string, into: DataView, at: number) => string;

/**
 * Address -> visitor hash and country. Both need the address, which goes no further than this function.
 *
 * The hash is SipHash-2-4 under a key of 128 bits that is derived from the secret; 64 bits keep the odds of two among ten million
 * visitors meeting near one in 400,000. An IPv4 address is hashed as its four bytes, which is quicker than to remember 100,000 of
 * them: a look-up in a map of that size waits for memory several times.
 */
export function createIdentify(options: IdentifyOptions): Identify {
  const { secret, countries } = options;
  const hash = createSipHash(createHash('sha256').update(`spillway:visitor:v1:${secret}`).digest().subarray(0, 16));
  const bytes = new Uint8Array(4);
  const identifyIpv4 = (number: number, address: string, into: DataView, at: number): string => {
    bytes[0] = number >>> 24;
    bytes[1] = number >>> 16;
    bytes[2] = number >>> 8;
    bytes[3] = number;
    hash(bytes, 4, into, at);
    return countries.ofIpv4(number, address);
  };
  const own = new DataView(new ArrayBuffer(8));
  const identifyOther = memoizeRecent(options.remembered ?? REMEMBERED, (ip: string) => {
    const address = canonicalAddress(ip);
    const number = ipv4Number(address);
    if (number !== -1) {
      const country = identifyIpv4(number, address, own, 0);
      return { visitor: own.getBigInt64(0, true), country };
    }
    // The mark makes it longer than four bytes: no text meets an IPv4 address.
    const text = Buffer.from(`text:${address}`);
    hash(text, text.length, own, 0);
    return { visitor: own.getBigInt64(0, true), country: countries.of(address) };
  });
  return (ip, into, at) => {
    const number = ipv4Number(ip);
    if (number !== -1) return identifyIpv4(number, ip, into, at);
    const { visitor, country } = identifyOther(ip);
    into.setBigInt64(at, visitor, true);
    return country;
  };
}

/** One spelling per address: IPv4-mapped IPv6 as IPv4, IPv6 in its short lower-case form without a zone. */
export function canonicalAddress(ip: string): string {
  if (!ip.includes(':')) return ip;
  const bare = ip.split('%', 1)[0] ?? ip;
  if (!ipaddr.IPv6.isValid(bare)) return ip;
  const address = ipaddr.IPv6.parse(bare);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
}
