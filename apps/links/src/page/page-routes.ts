import { readFile } from 'node:fs/promises';
import type { CacheStats } from '@spillway/cache';
import type { Plans } from '@spillway/limit';
import type { FastifyInstance } from 'fastify';

/** What the page's third door shows, in the order of the tiers. */
interface CacheFigures {
  readonly answers: readonly { readonly from: string; readonly count: number }[];
  readonly entries: number;
  readonly bytes: number;
}

const FILES = [
  { path: '/', file: 'page.html', type: 'text/html; charset=utf-8' },
  { path: '/assets/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/assets/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
] as const;

// Nothing but this origin's own files; no inline script or style, no frame around it.
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** The start page at `/`: hand-written files, served from memory. */
export async function pageRoutes(
  app: FastifyInstance,
  { stats, plans }: { readonly stats: () => CacheStats; readonly plans: () => Plans },
): Promise<void> {
  for (const { path, file, type } of FILES) {
    const body = await readFile(new URL(file, import.meta.url), 'utf8');
    app.get(path, { schema: { hide: true } }, (_request, reply) =>
      reply
        .headers({
          'content-type': type,
          'cache-control': 'no-cache',
          'content-security-policy': CONTENT_SECURITY_POLICY,
          'referrer-policy': 'no-referrer',
          'x-content-type-options': 'nosniff',
        })
        .send(path === '/' ? body.replace('<!-- plans -->', () => optionsOf(plans())) : body),
    );
  }
  app.get('/assets/figures', { schema: { hide: true } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return toFigures(stats());
  });
}

/** The plans that are in force now: `PLANS_FILE` may have changed them since the start. */
const optionsOf = ({ byName }: Plans): string =>
  [...byName.values()]
    .map(({ name, policies }) => {
      const most = policies.map(({ capacity }) => capacity).join(', ');
      return `<option value="${escaped(name)}">${escaped(name)}: at most ${most}</option>`;
    })
    .join('');

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);

function toFigures({ answers, l1 }: CacheStats): CacheFigures {
  return {
    answers: [
      { from: 'L1, this process', count: answers.l1 },
      { from: 'L2, Redis', count: answers.l2 },
      { from: 'the database', count: answers.loader },
      { from: 'nowhere else: stale', count: answers.stale },
      { from: 'nowhere: failed', count: answers.failed },
    ],
    entries: l1.entries,
    bytes: l1.bytes,
  };
}
