import { isIP } from 'node:net';
import { type Duration, toMs } from '@spillway/kernel';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/**
 * How text from the environment becomes a value. Every message names the value and the remedy; `secret` ones never repeat
 * what they got.
 */

/** Tokens gained per unit of time, and how many may gather. `off` means no limit. */
export interface Rate {
  readonly tokens: number;
  readonly every: Duration;
  readonly burst: number;
}

/** A text setting that is `parse`d; what `parse` throws becomes its message. */
function parsed<Value>(parse: (text: string) => Value) {
  return z.string().transform((text, context) => attempt(() => parse(text.trim()), context) ?? z.NEVER);
}

/** What `work` throws becomes an issue. */
function attempt<Value>(work: () => Value, context: z.RefinementCtx): Value | undefined {
  try {
    return work();
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

export const integer = (least: number, most: number) =>
  parsed((text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new Error(`must be an integer from ${least} to ${most}, got "${text}"`);
  });

export const oneOf = <const Words extends readonly string[]>(...words: Words) =>
  parsed((text): Words[number] => {
    if (words.includes(text)) return text;
    throw new Error(`must be one of ${words.join(', ')}, got "${text}"`);
  });

export const truth = () => oneOf('true', 'false').transform((word) => word === 'true');

/** Milliseconds of a duration such as `500ms` or `2s`. */
export const milliseconds = (least: number, most: number) =>
  parsed((text) => {
    const value = toMs(text as Duration);
    if (value >= least && value <= most) return value;
    throw new Error(`must be from ${least}ms to ${most}ms, got "${text}"`);
  });

/** As `milliseconds`, or `off`. */
export const millisecondsOrOff = (least: number, most: number) =>
  parsed((text): number | 'off' => {
    if (text === 'off') return 'off';
    const value = toMs(text as Duration);
    if (value >= least && value <= most) return value;
    throw new Error(`must be from ${least}ms to ${most}ms, or "off", got "${text}"`);
  });

const RATE = /^(\d{1,9})\/(s|m|h)(?: +burst +(\d{1,9}))?$/;

/** `100/s`, `100/s burst 500` or `off`. The burst defaults to the tokens of one unit. */
export const rate = () =>
  parsed((text): Rate | 'off' => {
    if (text === 'off') return 'off';
    const match = RATE.exec(text);
    const tokens = Number(match?.[1] ?? 0);
    const burst = Number(match?.[3] ?? tokens);
    if (match === null || tokens < 1 || burst < 1) {
      throw new Error(`must be like "100/s", "100/s burst 500" (units s, m, h) or "off", got "${text}"`);
    }
    return { tokens, every: `1${match[2] as 's' | 'm' | 'h'}`, burst };
  });

/** A secret: its length is checked, its text is never repeated. */
export const secret = (least: number) =>
  parsed((text) => {
    if (text.length >= least && !/\s/.test(text)) return text;
    throw new Error(
      `must have at least ${least} characters and no blanks, got ${text.length}; make one with "openssl rand -hex 32"`,
    );
  });

/** As `secret`, for one that clients send in a header. */
export const headerSecret = (least: number) =>
  secret(least).refine((text) => /^[\x21-\x7e]*$/.test(text), {
    message:
      'must have only characters of ASCII, since clients send it in a header; make one with "openssl rand -hex 32"',
  });

/** A URL of one of `schemes`. Its password is not repeated in the message. */
export const url = (...schemes: readonly string[]) =>
  parsed((text) => {
    if (parseUrl(text, schemes) !== undefined) return text;
    throw new Error(`must be a URL that starts with ${startsOf(schemes)}, got "${withoutPassword(text)}"`);
  });

function parseUrl(text: string, schemes: readonly string[]): URL | undefined {
  const read = URL.parse(text);
  return read !== null && schemes.includes(read.protocol.slice(0, -1)) && read.hostname !== '' ? read : undefined;
}

const startsOf = (schemes: readonly string[]) => schemes.map((scheme) => `${scheme}://`).join(' or ');

/** Up to the last `@`: a password may have any character. */
const withoutPassword = (text: string) => text.replace(/^([^:]*:(?:\/\/)?).*@/s, '$1***@');

/** Where a site is: a scheme and a host, and a port if need be. As written, since texts are put behind it. */
export const siteUrl = () => {
  const schemes = ['http', 'https'];
  return parsed((text) => {
    const read = parseUrl(text, schemes);
    if (read !== undefined && read.port !== '0' && /^https?:\/\/[^/\\?#@\s]+\/?$/i.test(text)) return text;
    const wanted = `must be ${startsOf(schemes)} with a host, perhaps a port, and nothing else`;
    throw new Error(`${wanted}, e.g. "https://sho.rt", got "${withoutPassword(text)}"`);
  });
};

/** The same grammar as that of `connectRedis`, which would not know the name of the setting. */
export const redisUrl = () => {
  const schemes = ['redis', 'rediss'];
  return parsed((text) => {
    const read = parseUrl(text, schemes);
    const shown = withoutPassword(text);
    if (read === undefined) throw new Error(`must be a URL that starts with ${startsOf(schemes)}, got "${shown}"`);
    const right = /^\/?\d{0,9}$/.test(read.pathname) && !/[?#]/.test(text) && canDecode(read.username + read.password);
    if (right) return text;
    const wanted =
      'must end in its host, or in the number of a database, and have what is special in a password %-encoded';
    throw new Error(`${wanted}, e.g. "redis://user:password@host:6379/0", got "${shown}"`);
  });
};

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const HOST = /^(?=.{1,253}$)[0-9a-z](?:[0-9a-z-]*[0-9a-z])?(?:\.[0-9a-z](?:[0-9a-z-]*[0-9a-z])?)*(?::\d{1,5})?$/;

/** A comma-separated list; `each` checks one item, and every one that it refuses is told. An empty text is an empty list, unless one is `needed`. */
const list = <Item>(each: (text: string) => Item, needed?: string) =>
  z.string().transform((text, context) => {
    const items = text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
    if (items.length === 0 && needed !== undefined)
      context.addIssue({ code: 'custom', message: `must name at least one ${needed}, got "${text}"` });
    return items.flatMap((item) => attempt(() => [each(item)], context) ?? []);
  });

export const hosts = () =>
  list((text) => {
    const host = text.toLowerCase();
    if (!HOST.test(host)) throw new Error(`must be host names separated by commas, got "${text}"`);
    const [, port] = host.split(':');
    if (port === undefined || (Number(port) >= 1 && Number(port) <= 65_535)) return host;
    throw new Error(`must have ports from 1 to 65535, got "${text}"`);
  });

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export const endpoints = (usualPort: number) =>
  list((text): Endpoint => {
    const match = /^(\[[0-9a-f:]+\]|[^:\s]+)(?::(\d{1,5}))?$/i.exec(text);
    const port = Number(match?.[2] ?? usualPort);
    if (match?.[1] !== undefined && port >= 1 && port <= 65_535) {
      return { host: match[1].replace(/^\[|\]$/g, ''), port };
    }
    throw new Error(`must be host:port separated by commas, got "${text}"`);
  }, 'host:port');

/** Addresses and networks (`10.0.0.0/8`), or the word `loopback`. */
export const networks = () =>
  list((text) => {
    if (text === 'loopback' || ipaddr.isValidCIDR(text) || isFullAddress(text)) return text;
    throw new Error(`must be addresses, networks like 10.0.0.0/8, or "loopback", separated by commas, got "${text}"`);
  });

const isFullAddress = (text: string) => ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);

const INSTANCE = /^[0-9A-Za-z][0-9A-Za-z._-]{0,62}$/;

export const instanceName = () =>
  parsed((text) => {
    if (INSTANCE.test(text)) return text;
    throw new Error(`must be 1 to 63 letters, digits, ".", "_" or "-", got "${text}"`);
  });

export const prefix = () =>
  parsed((text) => {
    if (/^[a-z_][a-z0-9_]{0,39}$/.test(text)) return text;
    throw new Error(`must be 1 to 40 of a-z, 0-9 and "_", no digit first, got "${text}"`);
  });

export const path = () =>
  parsed((text) => {
    if (text !== '' && !text.includes('\0')) return text;
    throw new Error(`must be a path, got "${text}"`);
  });

export const hostName = () =>
  parsed((text) => {
    const looksLikeAddress = text.includes(':') || /(^|\.)\d+$/.test(text);
    if (/^[0-9A-Za-z.:_-]{1,253}$/.test(text) && (!looksLikeAddress || isIP(text) !== 0)) return text;
    throw new Error(`must be a host name or an address, got "${text}"`);
  });

export const masterName = () =>
  parsed((text) => {
    if (/^[\w.-]{1,100}$/.test(text)) return text;
    throw new Error(`must be the master's name as the Sentinels know it, got "${text}"`);
  });
