import { domainToUnicode } from 'node:url';
import ipaddr from 'ipaddr.js';
import { shown } from '../http/saying.ts';
import type { FindResembled } from './host-look.ts';
import type { LeadsBack } from './leads-back.ts';

/** The longest target, in characters as sent. */
export const MAX_TARGET_LENGTH = 8_192;

export interface TargetRules {
  readonly leadsBack: LeadsBack;
  /** Which of the service's names a host could be taken for. */
  readonly resembled: FindResembled;
  readonly privateTargets: 'allowed' | 'refused';
}

export type Target =
  | { readonly outcome: 'accepted'; readonly url: string }
  | { readonly outcome: 'refused'; readonly fault: string };

/**
 * Whether a link may lead to `text`, and how it is written in `Location`: as WHATWG URL writes it, so that what is checked is
 * what the browser will read. Nothing is fetched or resolved.
 */
export function checkTarget(text: string, rules: TargetRules): Target {
  if (text.length > MAX_TARGET_LENGTH)
    return refused(`must have at most ${MAX_TARGET_LENGTH} characters, got ${text.length}`);
  // URL parsers drop tabs and line ends and trim blanks; what one reader drops, another reads.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u0020\u007f-\u00a0\u2028\u2029\ufeff]/.test(text)) {
    const fault = 'must have no blanks, line ends or control characters; write them %-encoded';
    return refused(`${fault}, got ${shown(text)}`);
  }
  if (/^https?:\/\/https?:/i.test(text)) {
    return refused(`must start with http:// or https:// only once, got "${shorten(text)}"`);
  }
  if (!text.isWellFormed()) {
    // URL parsers write U+FFFD in its place: the link would lead elsewhere, and nobody told.
    return refused(`must have only whole Unicode characters, with no half of a surrogate pair, got ${shown(text)}`);
  }
  if (!/^https?:\/\/[^/\\]/i.test(text)) {
    return refused(`must start with http:// or https:// and a host, got "${shorten(text)}"`);
  }
  const url = URL.parse(text);
  if (url === null) return refused(`${parseFault(text)}, got "${shorten(text)}"`);
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?#]*@/i.test(text)) {
    return refused(`must have no user name and no password, got one in front of "${url.host}"`);
  }
  if (url.href.length > MAX_TARGET_LENGTH) {
    return refused(`must have at most ${MAX_TARGET_LENGTH} characters once encoded, got ${url.href.length}`);
  }
  const host = url.hostname.replace(/\.$/, '');
  const fault = nameFault(host);
  if (fault !== undefined) return refused(`${fault}, got "${shorten(url.host)}"`);
  if (url.port === '0') return refused(`must have a port from 1 to 65535, got "${shorten(url.host)}"`);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  if (rules.leadsBack(host, port)) {
    return refused(`must not lead back to this service, got "${url.host}"`);
  }
  const resembled = rules.resembled(host);
  if (resembled !== undefined) {
    const fault = `must not lead to a host that looks like "${resembled}", which is this service's own`;
    return refused(`${fault}, got "${shorten(url.host)}"`);
  }
  if (rules.privateTargets === 'refused' && isPrivateHost(host)) {
    const wanted = /[.:]/.test(host) ? 'a public host' : 'a public host, whose name has a dot';
    return refused(`must lead to ${wanted}, got "${url.host}"; ALLOW_PRIVATE_TARGETS=true allows private ones`);
  }
  return { outcome: 'accepted', url: url.href };
}

/** Why WHATWG URL can not read `text`, which begins as it should: its host or its port. */
function parseFault(text: string): string {
  const authority = /^https?:\/\/([^/?#\\]*)/i.exec(text)?.[1] ?? '';
  const port = /:([^:\]]*)$/.exec(authority)?.[1] ?? '';
  if (port !== '' && !(/^\d+$/.test(port) && Number(port) <= 65_535)) return 'must have a port from 1 to 65535';
  return 'must have a host that is a name like example.com, or an address';
}

/** What no name server could ever find (RFC 1035, 2.3.4), though WHATWG URL lets it through. */
function nameFault(host: string): string | undefined {
  if (host.startsWith('[')) return undefined;
  const labels = host.split('.');
  if (labels.includes('')) return 'must have a host without empty parts';
  if (labels.some((label) => label.length > 63)) return 'must have a host with at most 63 characters between dots';
  // What can be read stays "xn--" no longer.
  if (/(^|\.)xn--/.test(domainToUnicode(host)))
    return 'must have a host whose parts with "xn--" can be read (Punycode)';
  return host.length > 253 ? 'must have a host of at most 253 characters' : undefined;
}

const PRIVATE_NAMES = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|private|localdomain|home\.arpa|onion)$/;

/** By name or by address; `host` is as WHATWG URL writes it, so that 0x7f.1 has become 127.0.0.1. */
function isPrivateHost(host: string): boolean {
  if (PRIVATE_NAMES.test(host) || host === '') return true;
  const address = host.startsWith('[') ? host.slice(1, -1) : host;
  if (!ipaddr.isValid(address)) return !host.includes('.');
  // `process` unwraps IPv4-mapped addresses. Only what is routed on the internet is public.
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return true;
  // IPv6 that carries an IPv4 address in plain sight, in the old compatible form.
  return (
    parsed.kind() === 'ipv6' &&
    parsed
      .toByteArray()
      .slice(0, 12)
      .every((byte) => byte === 0)
  );
}

/** Every way in which clients may name this service itself. */
export function ownHosts(publicUrl: string, domains: readonly string[], port: number): ReadonlySet<string> {
  const url = new URL(publicUrl);
  // On a port of its own, only that port leads back; the machine may have other sites.
  const main = url.port === '' ? url.hostname : `${url.hostname}:${url.port}`;
  return new Set([main, ...domains, ...['localhost', '127.0.0.1', '[::1]'].map((host) => `${host}:${port}`)]);
}

const refused = (fault: string): Target => ({ outcome: 'refused', fault });
const shorten = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}…` : text);
