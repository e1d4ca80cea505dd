import { isIP } from 'node:net';

/** One line of an access log, as far as a replay or a simulation needs it. Texts as they stand there, quotes unescaped. */
export interface LogEntry {
  readonly ip: string;
  readonly atMs: number;
  readonly method: string;
  readonly status: number;
  /** The path with its query, as requested. */
  readonly path: string;
  /** Undefined for `-`. */
  readonly referrer: string | undefined;
  /** Undefined for `-`. */
  readonly userAgent: string | undefined;
}

// ip ident user [time] "request" status bytes "referrer" "user agent"; what a server adds behind is let pass.
const COMBINED =
  /^(\S+) \S+ \S+ \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (?:\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"/;
const REQUEST = /^([A-Z]+) (\S+)(?: HTTP\/\d(?:\.\d)?)?$/;
const TIME = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Reads a line in Apache's and nginx's combined format. What is wrong with it comes back as a text. */
export function parseLogLine(line: string): LogEntry | { readonly fault: string } {
  const match = COMBINED.exec(line);
  if (match === null) return { fault: 'is not in the combined format' };
  const [, ip = '', time = '', request = '', status, referrer = '', userAgent = ''] = match;
  const atMs = parseLogTime(time);
  if (atMs === undefined) return { fault: `has no time like 17/May/2015:10:05:03 +0000, but "${time}"` };
  const [, method = '', target = ''] = REQUEST.exec(unescaped(request)) ?? [];
  if (!target.startsWith('/')) return { fault: `has no request for a path, but "${request.slice(0, 100)}"` };
  // A zone (`%eth0`) names an interface of the machine that wrote the log, and no client.
  if (isIP(ip) === 0 || ip.includes('%')) return { fault: `has no client address, but "${ip.slice(0, 100)}"` };
  return {
    ip,
    atMs,
    method,
    status: Number(status),
    path: target,
    referrer: given(referrer),
    userAgent: given(userAgent),
  };
}

function parseLogTime(text: string): number | undefined {
  const match = TIME.exec(text);
  const month = MONTHS.indexOf(match?.[2] ?? '');
  if (match === null || month === -1) return undefined;
  const [, day, , year, hour, minute, second, sign, zoneHours, zoneMinutes] = match;
  const zoneMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second)) - zoneMs;
}

const given = (text: string): string | undefined => (text === '-' || text === '' ? undefined : unescaped(text));

/** `\"` and `\\` only: what servers write as `\xhh` are bytes of no known encoding, and stay as they stand. */
const unescaped = (text: string): string => (text.includes('\\') ? text.replace(/\\(["\\])/g, '$1') : text);
