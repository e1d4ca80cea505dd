import { CliError } from './failure.ts';
import { problemText, type Service } from './service.ts';

/** As much of a link as is needed here. */
export interface MadeLink {
  readonly code: string;
  readonly domain: string;
}

/** What became of one row of a batch. `deleted`: an earlier request with the same key made its link, which is gone since. */
export type RowOutcome =
  | { readonly outcome: 'created' | 'repeated'; readonly link: MadeLink }
  | { readonly outcome: 'deleted' }
  | { readonly outcome: 'refused'; readonly fault: string };

/**
 * `POST /links/batch`: an outcome per link, in order. With the same key, sent again, it makes no link twice.
 * @throws {CliError} when the service refuses the batch as a whole, or does not answer
 */
export async function createBatch(
  service: Service,
  links: readonly object[],
  options: { readonly idempotencyKey: string; readonly signal?: AbortSignal },
): Promise<readonly RowOutcome[]> {
  const { body } = await service.call('POST', '/links/batch', {
    body: { links },
    headers: { 'idempotency-key': options.idempotencyKey },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const results = (body as { results?: unknown } | undefined)?.results;
  if (!Array.isArray(results) || results.length !== links.length) {
    throw new CliError(`${service.url} answered a batch of ${links.length} in a way that this version does not know`);
  }
  return results.map(toOutcome);
}

function toOutcome(result: { status?: unknown; link?: MadeLink; problem?: unknown }): RowOutcome {
  const { status, link, problem } = result;
  if (link !== undefined) {
    return { outcome: status === 201 ? 'created' : 'repeated', link };
  }
  if ((problem as { type?: unknown } | undefined)?.type === 'urn:spillway:problem:retry-gone')
    return { outcome: 'deleted' };
  return { outcome: 'refused', fault: problemText(problem) ?? `status ${String(status)}` };
}
