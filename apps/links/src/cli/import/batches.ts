import { createHash } from 'node:crypto';
import type { ImportLink, ImportRow } from './to-row.ts';

export interface ImportBatch {
  /** From 0. */
  readonly index: number;
  readonly rows: readonly { readonly line: number; readonly link: ImportLink }[];
  readonly broken: readonly Extract<ImportRow, { kind: 'broken' }>[];
  /** Of this batch and all before it: the same file gives the same digests. */
  readonly digest: string;
}

/** Bodies stay well under the service's 1 MiB. */
const MAX_BYTES = 512 * 1024;

/** Each takes the service tens of milliseconds; it takes 100 in a batch. */
const MAX_PASSWORDS = 50;

/**
 * Gathers rows into requests. Where a batch ends depends on the rows alone, so that the same file with the same `size` is cut
 * alike each time; its digest is then the name under which the service knows it again.
 */
export async function* toBatches(rows: AsyncIterable<ImportRow>, size: number): AsyncGenerator<ImportBatch> {
  let links: { line: number; link: ImportLink }[] = [];
  let broken: Extract<ImportRow, { kind: 'broken' }>[] = [];
  let bytes = 0;
  let passwords = 0;
  let index = 0;
  let digest = '';
  const finish = (): ImportBatch => {
    digest = createHash('sha256')
      .update(digest)
      .update(JSON.stringify([index, links, broken]))
      .digest('hex');
    const batch = { index, rows: links, broken, digest };
    index += 1;
    links = [];
    broken = [];
    bytes = 0;
    passwords = 0;
    return batch;
  };
  for await (const row of rows) {
    const rowBytes = row.kind === 'link' ? Buffer.byteLength(JSON.stringify(row.link)) + 1 : 0;
    const rowPasswords = row.kind === 'link' && row.link.password !== undefined ? 1 : 0;
    const tooBig = bytes + rowBytes > MAX_BYTES || passwords + rowPasswords > MAX_PASSWORDS;
    if (links.length + broken.length >= size || (links.length > 0 && tooBig)) yield finish();
    bytes += rowBytes;
    passwords += rowPasswords;
    if (row.kind === 'link') links.push({ line: row.line, link: row.link });
    else broken.push(row);
  }
  if (links.length + broken.length > 0) yield finish();
}
