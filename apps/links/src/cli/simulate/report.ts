import { table } from '../keys.ts';
import type { LimitedClient } from './limited-clients.ts';
import type { PolicyResult, SimulationResult, Suggestion } from './simulation.ts';
import type { SubjectKind } from './subject.ts';

export interface LinesRead {
  read: number;
  /** Requests that were not to be counted. */
  filtered: number;
  /** No requests. */
  unreadable: number;
  /** Requests that stood behind a later one. */
  disordered: number;
  /** Of them, those that could not be put in order any more. */
  late: number;
}

/** For people: what was read, a line for each policy, and the clients that each limited most. */
export function reportText(result: SimulationResult, lines: LinesRead, by: SubjectKind): string {
  return [
    ...summary(result, lines, by),
    ...(result.policies.length === 0 ? [] : ['', ...policyTable(result)]),
    ...result.policies.flatMap((policy) => worstTable(policy, by)),
    ...(result.suggestion === undefined ? [] : ['', ...suggested(result.suggestion, result, by)]),
  ].join('\n');
}

/** For programs: the same, and the requests over time. Times are RFC 3339, waits milliseconds. */
export function reportJson(result: SimulationResult, lines: LinesRead, by: SubjectKind): string {
  const { timeline, suggestion } = result;
  const minute = (found: PolicyResult['worstMinute']) => found && { at: time(found.atMs), count: found.count };
  return JSON.stringify(
    {
      by,
      lines,
      requests: result.requests,
      clients: result.clients,
      clientsExact: result.isClientsExact,
      from: time(result.firstMs),
      to: time(result.lastMs),
      busiestMinute: minute(result.busiestMinute),
      policies: result.policies.map((each) => ({
        policy: each.label,
        strategy: each.policy.strategy,
        limited: each.limited,
        limitedShare: each.limited / result.requests,
        clientsLimited: each.clientsLimited,
        clientsLimitedExact: each.isClientsLimitedExact,
        clientsLimitedShare: each.clientsLimited / result.clients,
        longestWaitMs: each.longestWaitMs,
        worstMinute: minute(each.worstMinute),
        worstClientsExact: each.isWorstExact,
        worstClients: each.worstClients.map(({ subject, limited, firstMs, lastMs, longestWaitMs }) => ({
          client: readable(subject),
          limited,
          first: time(firstMs),
          last: time(lastMs),
          longestWaitMs,
        })),
      })),
      suggestion: suggestion && {
        percent: suggestion.percent,
        policy: shortForm(suggestion.perMinute),
        clientsLimited: suggestion.clientsLimited,
        nobodyLimited: shortForm(suggestion.nobodyPerMinute),
      },
      timeline: {
        spanMs: timeline.spanMs,
        spans: timeline.spans.map(({ atMs, requests, limited }) => ({ at: time(atMs), requests, limited })),
      },
    },
    null,
    2,
  );
}

function summary(result: SimulationResult, lines: LinesRead, by: SubjectKind): string[] {
  const clients = `${about(result.isClientsExact)}${result.clients} ${NOUN[by]}`;
  const { busiestMinute } = result;
  return [
    `${result.requests} requests, ${clients}, from ${time(result.firstMs)} to ${time(result.lastMs)}.`,
    ...(busiestMinute === undefined
      ? []
      : [`The busiest minute: ${time(busiestMinute.atMs)} with ${busiestMinute.count} requests.`]),
    ...disorder(lines),
    ...(lines.filtered > 0 ? [`${lines.filtered} requests were not to be counted.`] : []),
    ...(lines.unreadable > 0 ? [`${lines.unreadable} lines are no requests in the combined format.`] : []),
  ];
}

function disorder({ disordered, late }: LinesRead): string[] {
  if (disordered === 0) return [];
  const counted = `${disordered} of them stand behind later ones in the log`;
  if (late === 0) return [`${counted}, and were put in order.`];
  return [
    `${counted}; ${late} too late to be put in order, which limits take for a clock that went back: see --reorder.`,
  ];
}

const NOUN = { ip: 'clients', path: 'paths', 'user-agent': 'user agents' } as const;

function policyTable(result: SimulationResult): readonly string[] {
  const rows = result.policies.map((each) => [
    each.label,
    String(each.limited),
    percent(each.limited, result.requests),
    `${about(each.isClientsLimitedExact)}${each.clientsLimited}`,
    percent(each.clientsLimited, result.clients),
    each.limited === 0 ? '-' : wait(each.longestWaitMs),
    each.worstMinute === undefined ? '-' : `${time(each.worstMinute.atMs)} (${each.worstMinute.count} limited)`,
  ]);
  const head = ['POLICY', 'REQUESTS LIMITED', 'SHARE', 'CLIENTS LIMITED', 'SHARE', 'LONGEST WAIT', 'WORST MINUTE'];
  return table([head, ...rows]);
}

function worstTable(policy: PolicyResult, by: SubjectKind): readonly string[] {
  if (policy.worstClients.length === 0) return [];
  const row = ({ subject, limited, firstMs, lastMs, longestWaitMs }: LimitedClient) => [
    short(readable(subject)),
    String(limited),
    time(firstMs),
    time(lastMs),
    wait(longestWaitMs),
  ];
  const head = [by.toUpperCase(), 'LIMITED', 'FIRST', 'LAST', 'LONGEST WAIT'];
  const inexact = policy.isWorstExact ? '' : ' (of very many: their counts may begin late)';
  return ['', `${policy.label} limits these most${inexact}:`, ...table([head, ...policy.worstClients.map(row)])];
}

function suggested(found: Suggestion, { clients }: SimulationResult, by: SubjectKind): string[] {
  const { perMinute, nobodyPerMinute } = found;
  if (perMinute === Infinity) {
    return [
      `No limit stops at most ${found.percent} % of the ${NOUN[by]}: times of the log go back by more than a minute.`,
    ];
  }
  const share = percent(found.clientsLimited, clients);
  return [
    `The smallest limit that stops at most ${found.percent} % of the ${NOUN[by]}: ${shortForm(perMinute)} (it stops ${found.clientsLimited}, ${share}).`,
    ...(nobodyPerMinute === Infinity ? [] : [`The smallest that stops nobody: ${shortForm(nobodyPerMinute)}.`]),
    `See what it does: --policy ${shortForm(perMinute)}`,
  ];
}

/** As `--policy` takes it; a burst as large is the default. */
const shortForm = (perMinute: number): string | null => (perMinute === Infinity ? null : `${perMinute}/m`);

const about = (isExact: boolean): string => (isExact ? '' : 'about ');

/** Without milliseconds, which no log has. */
const time = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

const percent = (part: number, whole: number): string => `${((part * 100) / whole).toFixed(2)} %`;

function wait(ms: number): string {
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}

/** Bytes of the log as text; what could steer a terminal is written out. */
const readable = (subject: string): string =>
  Buffer.from(subject, 'latin1')
    .toString('utf8')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (each) => `\\u{${each.codePointAt(0)?.toString(16)}}`);

const short = (text: string): string => (text.length <= 60 ? text : `${text.slice(0, 57)}...`);
