import { ConfigurationError, type Duration, type Issue, toMs } from '@spillway/kernel';
import { type EventCodec, jsonCodec } from '../codec.ts';
import { toPathName } from '../spool/layout.ts';
import type { EventTransport } from '../transport.ts';
import type { WatermarkSource } from '../watermarks.ts';

export interface EventLogOptions<Event> {
  /** Which log: the sink of the same name counts it. */
  readonly name: string;
  /** Who publishes: unique among the live processes that share the spool's root or the sink. */
  readonly producer: string;
  readonly transport: EventTransport;
  readonly watermarks: WatermarkSource;
  readonly spool: {
    /** The root of all spools on this disk. Dead producers' spools under it are adopted. */
    readonly directory: string;
    /** Default 256 MiB, at least 64 KiB. */
    readonly maxBytes?: number;
  };
  readonly ring?: {
    /** Events that may wait for the next batch. Default 65,536. */
    readonly max?: number;
  };
  /** How often the ring becomes a batch. Default `"50ms"`, at most `"50ms"` keeps G6. */
  readonly flushEvery?: Duration;
  /** 'batch': each batch is synced to the disk before it is sent, so that the loss of the machine loses none. Default 'off'. */
  readonly fsync?: 'off' | 'batch';
  /** How long the watermark may stand still before the transport is asked what it lost. Default `"1s"`; backs off to ten times that. */
  readonly stallAfter?: Duration;
  /** How often to look for dead producers' spools. Default `"5s"`. */
  readonly adoptEvery?: Duration;
  /** Default: JSON. */
  readonly encode?: EventCodec<Event>['encode'];
}

export interface ParsedOptions<Event> {
  readonly log: string;
  readonly producer: string;
  /** `<root>/<log>` and `<root>/<log>/<producer>`. */
  readonly logPath: string;
  readonly producerPath: string;
  readonly root: string;
  readonly maxSpoolBytes: number;
  readonly maxRing: number;
  readonly flushMs: number;
  readonly adoptMs: number;
  readonly stallMs: number;
  readonly fsync: 'off' | 'batch';
  readonly encode: EventCodec<Event>['encode'];
}

const MIN_SPOOL_BYTES = 64 * 1024;

export function parseOptions<Event>(options: EventLogOptions<Event>): ParsedOptions<Event> {
  const issues: Issue[] = [];
  const check = <Value>(path: string, parse: () => Value, otherwise: Value): Value => {
    try {
      return parse();
    } catch (error) {
      issues.push({ path, message: error instanceof Error ? error.message : String(error) });
      return otherwise;
    }
  };
  const integer = (path: string, value: number, least: number): number => {
    if (!Number.isSafeInteger(value) || value < least)
      issues.push({ path, message: `must be an integer >= ${least}, got ${value}` });
    return value;
  };
  const fsync: string = options.fsync ?? 'off';
  if (fsync !== 'off' && fsync !== 'batch')
    issues.push({ path: 'fsync', message: `must be "off" or "batch", got "${fsync}"` });
  if (options.spool.directory === '')
    issues.push({ path: 'spool.directory', message: 'must name a directory, got ""' });
  const parsed: ParsedOptions<Event> = {
    log: options.name,
    producer: options.producer,
    logPath: check('name', () => toPathName('log', options.name), ''),
    producerPath: check('producer', () => toPathName('producer', options.producer), ''),
    root: options.spool.directory,
    maxSpoolBytes: integer('spool.maxBytes', options.spool.maxBytes ?? 256 * 1024 * 1024, MIN_SPOOL_BYTES),
    maxRing: integer('ring.max', options.ring?.max ?? 65_536, 1),
    flushMs: integer(
      'flushEvery',
      check('flushEvery', () => toMs(options.flushEvery ?? '50ms'), 50),
      1,
    ),
    adoptMs: integer(
      'adoptEvery',
      check('adoptEvery', () => toMs(options.adoptEvery ?? '5s'), 5_000),
      1,
    ),
    stallMs: integer(
      'stallAfter',
      check('stallAfter', () => toMs(options.stallAfter ?? '1s'), 1_000),
      1,
    ),
    fsync: fsync === 'batch' ? 'batch' : 'off',
    encode: options.encode ?? jsonCodec<Event>().encode,
  };
  if (issues.length > 0)
    throw new ConfigurationError(`The event log ${JSON.stringify(options.name)} can not be opened`, issues);
  return parsed;
}
