import { createHash } from 'node:crypto';
import { createBatch, type MadeLink } from '../batch-api.ts';
import { listLinks } from '../links-api.ts';
import type { Service } from '../service.ts';

/** Which link leads to the URL of a path. */
export interface LinkFinder {
  /** The link for each of these URLs. One that can not be had is missing from the map, with its reason in `refused`. */
  find(urls: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, MadeLink>>;
  /** URLs that the service refused to make links of, with the reason. */
  readonly refused: ReadonlyMap<string, string>;
  readonly created: number;
}

const BATCH = 500;

/** Reads the service's links once, and keeps those below `base`. Missing ones are made when `missing` is `'create'`. */
export async function openLinkFinder(
  service: Service,
  options: { readonly base: string; readonly missing: 'create' | 'leave-out' },
): Promise<LinkFinder> {
  const links = new Map<string, MadeLink>();
  const refused = new Map<string, string>();
  let created = 0;
  const prefix = normal(options.base);
  for await (const link of listLinks(service)) {
    if (link.url.startsWith(prefix) && !links.has(link.url)) links.set(link.url, link);
  }
  const create = async (urls: readonly string[], signal: AbortSignal) => {
    let wanted = urls;
    for (let generation = 0; wanted.length > 0; generation += 1) {
      const outcomes = await createBatch(
        service,
        wanted.map((url) => ({ url })),
        { idempotencyKey: replayKey(wanted, generation), signal },
      );
      const deleted: string[] = [];
      outcomes.forEach((outcome, at) => {
        const url = wanted[at] ?? '';
        if (outcome.outcome === 'refused') refused.set(url, outcome.fault);
        else if (outcome.outcome === 'deleted') deleted.push(url);
        else {
          links.set(normal(url), outcome.link);
          if (outcome.outcome === 'created') created += 1;
        }
      });
      wanted = deleted;
    }
  };
  return {
    async find(urls, signal) {
      if (options.missing === 'create') {
        const wanted = [...new Set(urls)].filter((url) => !links.has(normal(url)) && !refused.has(url));
        for (let at = 0; at < wanted.length; at += BATCH) await create(wanted.slice(at, at + BATCH), signal);
      }
      return new Map(
        urls.flatMap((url): [string, MadeLink][] => {
          const link = links.get(normal(url));
          return link === undefined ? [] : [[url, link]];
        }),
      );
    },
    refused,
    get created() {
      return created;
    },
  };
}

/**
 * The same URLs give the same key: two replays at once, or one that is run again, make each link once. What was made and deleted
 * since is asked for as the next generation, on which two replays agree as well.
 */
const replayKey = (urls: readonly string[], generation: number): string => {
  const content = JSON.stringify(generation === 0 ? urls : [generation, urls]);
  return `replay-${createHash('sha256').update(content).digest('hex').slice(0, 40)}`;
};

/** As the service writes a target: in the form of the WHATWG URL standard. */
const normal = (url: string): string => URL.parse(url)?.href ?? url;
