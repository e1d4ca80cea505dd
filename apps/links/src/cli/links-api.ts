import type { Service } from './service.ts';

/** A link as the API shows it. */
export interface ListedLink {
  readonly code: string;
  readonly shortUrl: string;
  readonly domain: string;
  readonly onDefaultDomain: boolean;
  readonly url: string;
  readonly title: string | null;
  readonly tags: readonly string[];
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly maxClicks: number | null;
  readonly usedClicks: number | null;
  readonly clicks: number;
  readonly status: number;
  readonly hasPassword: boolean;
}

const PAGE = 1000;

/** All links, page by page, oldest first: those that are made meanwhile come last. */
export async function* listLinks(
  service: Service,
  filter: { readonly tag?: string; readonly search?: string } = {},
): AsyncGenerator<ListedLink> {
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ limit: String(PAGE), sort: 'createdAt', ...filter });
    if (cursor !== null) query.set('cursor', cursor);
    const { body } = await service.call('GET', `/links?${query}`);
    const page = body as { readonly data: readonly ListedLink[]; readonly nextCursor: string | null };
    yield* page.data;
    cursor = page.nextCursor;
  } while (cursor !== null);
}
