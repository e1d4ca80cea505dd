/** What one line asks for: a link, or nothing that could be sent. */
export type ImportRow = { readonly line: number } & (
  | { readonly kind: 'link'; readonly link: ImportLink; readonly usedClicks?: number }
  | { readonly kind: 'broken'; readonly fault: string; readonly text: string }
);

/** As the API takes it. Whether all but the URL is right, the service says. */
export interface ImportLink {
  readonly url: string;
  readonly alias?: unknown;
  readonly tags?: unknown;
  readonly title?: unknown;
  readonly expiresAt?: unknown;
  readonly status?: unknown;
  readonly maxClicks?: unknown;
  readonly domain?: unknown;
  readonly password?: unknown;
}

/** What is read of a row; `code` is what an export calls the alias. */
export const COLUMNS = [
  'url',
  'alias',
  'tags',
  'code',
  'title',
  'expiresAt',
  'status',
  'maxClicks',
  'domain',
  'password',
  'onDefaultDomain',
  'usedClicks',
  'hasPassword',
] as const;
export type Column = (typeof COLUMNS)[number];

/** What is not there is left out. */
export type Fields = Readonly<Partial<Record<Column, unknown>>>;

export interface RowRules {
  /** What becomes of a link whose password is not in the file. */
  readonly unknownPasswords: 'refused' | 'left-out';
}

/** `text` is the line, to be shown where it is refused. */
export function toRow(line: number, text: string, fields: Fields, rules: RowRules): ImportRow {
  const { url, code, alias = code, domain, password, maxClicks } = fields;
  // A line with a password must not be shown.
  const refused = (fault: string) => broken(line, fault, password === undefined ? text : String(url ?? ''));
  if (typeof url !== 'string' || url === '') return refused('has no url');
  const hasPassword = toFlag(fields.hasPassword);
  const onDefaultDomain = toFlag(fields.onDefaultDomain);
  if (hasPassword === undefined) return refused('has a hasPassword that is neither true nor false');
  if (onDefaultDomain === undefined) return refused('has an onDefaultDomain that is neither true nor false');
  if (hasPassword && password === undefined && rules.unknownPasswords === 'refused') return refused(UNKNOWN_PASSWORD);
  const usedClicks = maxClicks === undefined ? 0 : Number(fields.usedClicks ?? 0);
  if (usedClicks > 0 && usedClicks >= Number(maxClicks)) return refused(USED_UP);
  const all = {
    alias,
    tags: fields.tags,
    title: fields.title,
    expiresAt: fields.expiresAt,
    status: fields.status,
    maxClicks,
    // Whatever the service of the export called it, the default domain is the default one of the other service.
    domain: onDefaultDomain ? undefined : domain,
    password,
  };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  const link: ImportLink = { url, ...Object.fromEntries(given) };
  return { line, kind: 'link', link, ...(usedClicks > 0 ? { usedClicks } : {}) };
}

export const broken = (line: number, fault: string, text: string): ImportRow => ({ line, kind: 'broken', fault, text });

const UNKNOWN_PASSWORD =
  'has a password, which an export does not hold; add it in a column "password", or make all such links open with --without-passwords';
const USED_UP =
  'has used up its maxClicks, and would lead on again; take its usedClicks away to make it with all of them';

/** Undefined for what is neither. */
function toFlag(value: unknown): boolean | undefined {
  const text = String(value ?? '').toLowerCase();
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' || text === '' ? false : undefined;
}
