import { ConfigurationError } from '@spillway/kernel';

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
  const withPort = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/.exec(address);
  if (withPort?.[1] !== undefined && isIpv4(withPort[1])) return withPort[1];
  const words = parseIpv6(/^\[(.*)\](?::\d{1,5})?$/.exec(address)?.[1] ?? address);
  if (words === undefined) return `invalid:${address}`;
  return (
    mappedIpv4(words) ??
    `${masked(words, ipv6Prefix)
      .map((word) => word.toString(16))
      .join(':')}/${ipv6Prefix}`
  );
}

/** Four decimals without leading zeros. By hand, since it is asked for every take of a client: a third of a regular expression. */
function isIpv4(text: string): boolean {
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0) return false;
      octet = 0;
      digits = 0;
      dots += 1;
    } else {
      if (code < ZERO || code > NINE || (digits > 0 && octet === 0)) return false;
      octet = octet * 10 + code - ZERO;
      if (octet > 255) return false;
      digits += 1;
    }
  }
  return dots === 3 && digits > 0;
}

const DOT = 46;
const ZERO = 48;
const NINE = 57;

/** The eight words of an IPv6 address, or undefined. */
function parseIpv6(text: string): number[] | undefined {
  const address = withoutZone(text);
  if (address.length > 45 || !address.includes(':')) return undefined;
  const halves = address.split('::');
  if (halves.length > 2) return undefined;
  const head = parseWords(halves[0] ?? '', halves.length === 1);
  const tail = halves[1] === undefined ? [] : parseWords(halves[1], true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...new Array<number>(halves.length === 1 ? 0 : missing).fill(0), ...tail];
}

function withoutZone(text: string): string {
  const zone = text.indexOf('%');
  return zone === -1 ? text : text.slice(0, zone);
}

// An IPv4 address may stand for the last two words of the whole address.
function parseWords(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const words: number[] = [];
  const groups = text.split(':');
  for (const [at, group] of groups.entries()) {
    if (isEnd && at === groups.length - 1 && isIpv4(group)) {
      const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
      words.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      words.push(Number.parseInt(group, 16));
    } else {
      return undefined;
    }
  }
  return words;
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
