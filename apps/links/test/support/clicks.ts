import { type LoadReport, type LoadRequest, type LogEntry, until } from '@spillway/testkit';
import { isbot } from 'isbot';
import type { Instance } from './cluster.ts';
import { ask, createBatchSurely, type Made, readMetric } from './cluster-client.ts';

/** A link for each path of a log, by path. */
export async function linksForLog(instance: Instance, log: readonly LogEntry[]): Promise<ReadonlyMap<string, string>> {
  const paths = [...new Set(log.map(({ path }) => path))];
  const codes = new Map<string, string>();
  for (let from = 0; from < paths.length; from += 500) {
    const some = paths.slice(from, from + 500);
    const links = some.map((path) => ({ url: `https://example.org/at?path=${encodeURIComponent(path)}` }));
    const made = await createBatchSurely({ record: () => undefined, events: [] }, instance, links, `log-${from}`);
    for (const [i, path] of some.entries()) codes.set(path, (made[i] as Made).code);
  }
  return codes;
}

/** The visits of a log as requests, with the client, agent, referrer and time of each. */
export const logRequests = (log: readonly LogEntry[], codes: ReadonlyMap<string, string>): LoadRequest[] =>
  log.map(({ path, ip, userAgent, referrer, atMs }) => ({
    path: `/${codes.get(path)}`,
    headers: {
      'X-Forwarded-For': ip,
      'X-Spillway-Time': new Date(atMs).toISOString(),
      ...(userAgent === undefined ? {} : { 'User-Agent': userAgent }),
      ...(referrer === undefined ? {} : { Referer: referrer }),
    },
  }));

/** The lines of the log for which the client saw a redirect, each as often as it did. */
export const redirected = (log: readonly LogEntry[], { redirectsByRequest }: LoadReport): LogEntry[] =>
  log.flatMap((entry, i) => Array.from({ length: redirectsByRequest[i] ?? 0 }, () => entry));

/** How many of the lines a bot asked for: whoever names no user agent, or one that `isbot` knows. */
export const botsAmong = (entries: readonly LogEntry[]): number =>
  entries.filter(({ userAgent }) => userAgent === undefined || isbot(userAgent)).length;

export interface Stats {
  readonly totals: { readonly clicks: number; readonly visitors: number; readonly bots: number };
  readonly series: readonly { readonly at: string; readonly clicks: number }[];
  readonly referrers: readonly { readonly value: string; readonly clicks: number }[];
}

/** Statistics of the whole service or, with a code, of one link. */
export async function readStats(instance: Instance, query: URLSearchParams, code?: string): Promise<Stats> {
  const path = code === undefined ? 'stats' : `links/${code}/stats`;
  const { status, body } = await ask<Stats>(instance, 'GET', `/api/v1/${path}?${query}`);
  if (status !== 200) throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** Waits until nothing is under way any more: every spool, also those of dead processes, is counted. */
export async function allCounted(instances: readonly Instance[], spools: () => Promise<number>): Promise<void> {
  for (const instance of instances) instance.assertAlive();
  await until(
    async () => {
      const pending = instances.map((instance) => readMetric(instance, 'spillway_links_clicks_pending'));
      const sum = (await Promise.all(pending)).reduce((total, count) => total + count, 0);
      return sum === 0 && (await spools()) === 0;
    },
    { timeoutMs: 60_000, everyMs: 50, what: 'every click to be counted' },
  );
}
