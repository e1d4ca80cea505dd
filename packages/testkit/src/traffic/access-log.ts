import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { dataFile } from './data-directory.ts';
import { generateAccessLog } from './generate-access-log.ts';

/** One line of an access log in Apache's combined format. */
export interface LogEntry {
  readonly ip: string;
  readonly atMs: number;
  readonly method: string;
  /** As requested, with its query. */
  readonly path: string;
  readonly status: number;
  readonly bytes: number;
  /** Undefined where the log has "-". */
  readonly referrer: string | undefined;
  readonly userAgent: string | undefined;
  /** The line itself, without its end. */
  readonly line: string;
}

/** The real access log (6,000 lines); where it is absent, a generated one of the same shape, the same for the same seed. */
export async function accessLog(options: { readonly seed?: number } = {}): Promise<LogEntry[]> {
  const file = dataFile('access.log.gz');
  const text =
    file === undefined ? generateAccessLog({ seed: options.seed ?? 1 }) : gunzipSync(await readFile(file)).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLogLine);
}

const QUOTED = String.raw`"((?:[^"\\]|\\.)*)"`;
const COMBINED = new RegExp(String.raw`^(\S+) \S+ \S+ \[([^\]]+)\] ${QUOTED} (\d{3}) (\d+|-) ${QUOTED} ${QUOTED}`);
const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/** @throws {Error} when the line is not in the combined format */
export function parseLogLine(line: string): LogEntry {
  const match = COMBINED.exec(line);
  const [, ip = '', time = '', request = '', status, bytes, referrer = '-', userAgent = '-'] = match ?? [];
  if (match === null) throw new Error(`Not a line of a combined log: ${JSON.stringify(line)}`);
  const [method = '', path = ''] = request.split(' ');
  const known = (text: string) => (text === '-' || text === '' ? undefined : text);
  return {
    ip,
    atMs: parseLogTime(time),
    method,
    path,
    status: Number(status),
    bytes: bytes === '-' ? 0 : Number(bytes),
    referrer: known(referrer),
    userAgent: known(userAgent),
    line,
  };
}

/** `17/May/2015:10:05:03 +0000` */
function parseLogTime(text: string): number {
  const match = /^(\d+)\/(\w{3})\/(\d+):(\d+):(\d+):(\d+) ([+-])(\d\d)(\d\d)$/.exec(text);
  if (match === null) throw new Error(`Not a time of a combined log: "${text}"`);
  const [, day, month = '', year, hours, minutes, seconds, sign, zoneHours, zoneMinutes] = match;
  const utc = Date.UTC(
    Number(year),
    MONTHS.indexOf(month) / 3,
    Number(day),
    Number(hours),
    Number(minutes),
    Number(seconds),
  );
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  return sign === '+' ? utc - offset : utc + offset;
}
