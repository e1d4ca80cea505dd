/** A link, as the truth has it. Times are milliseconds since the epoch. */
export interface Link {
  readonly id: number;
  /** The domain's row: 1 is the default one. */
  readonly domainId: number;
  readonly code: string;
  /** Whether the code was made from the id or chosen by the user. */
  readonly codeFrom: 'id' | 'alias';
  readonly url: string;
  readonly title: string | undefined;
  readonly tags: readonly string[];
  readonly status: RedirectStatus;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly expiresAtMs: number | undefined;
  readonly maxClicks: number | undefined;
  /** Redirects granted so far; counted only with `maxClicks`. */
  readonly usedClicks: number;
  readonly passwordHash: string | undefined;
  readonly createdBy: string | undefined;
}

export const REDIRECT_STATUSES = [301, 302, 307, 308] as const;
export type RedirectStatus = (typeof REDIRECT_STATUSES)[number];

/** What a link is looked up by. */
export interface LinkAddress {
  readonly domainId: number;
  readonly code: string;
}

/** The longest alias, and the longest text that is looked up as a code. */
export const MAX_CODE_LENGTH = 64;

const CODE = /^[0-9A-Za-z_-]{1,64}$/;

/** Whether `text` could be a code at all. */
export const isCode = (text: string): boolean => CODE.test(text);
