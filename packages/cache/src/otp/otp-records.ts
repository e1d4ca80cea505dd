/** A code as a store keeps it: never the code itself. */
export interface OtpRecord {
  /** Random, new with every code. */
  readonly salt: string;
  readonly digest: string;
}

export type OtpAttempt =
  /** One attempt has been counted; `left` are those after it. */
  | { readonly outcome: 'counted'; readonly record: OtpRecord; readonly left: number }
  /** All attempts at this code have been used. */
  | { readonly outcome: 'exhausted' }
  /** There is no code: never issued, used, or over. */
  | { readonly outcome: 'none' };

/** Where codes are kept, by subject. Every method fails closed: it answers what the store says now, or rejects. */
export interface OtpRecords {
  /** Replaces the subject's code and its attempts. */
  put(subject: string, record: OtpRecord, attempts: number, forMs: number): Promise<void>;
  /** Counts one attempt, before anybody compares. */
  attempt(subject: string): Promise<OtpAttempt>;
  /** Takes the code away, if it is still this one. True for exactly one of all who ask. */
  consume(subject: string, record: OtpRecord): Promise<boolean>;
  /** Takes away whatever is there. */
  revoke(subject: string): Promise<void>;
}
