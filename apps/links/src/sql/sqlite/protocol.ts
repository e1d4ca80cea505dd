import type { SqlResult, SqlValue } from '@spillway/kernel';

/** What the main thread and a SQLite thread say to each other. */
export interface StatementRequest {
  readonly id: number;
  readonly text: string;
  readonly values: readonly SqlValue[];
}

export type StatementReply =
  | { readonly id: number; readonly result: SqlResult<unknown> }
  | { readonly id: number; readonly error: { readonly message: string; readonly errcode: number } };

export interface ThreadData {
  readonly file: string;
  readonly access: 'write' | 'read';
  /** How long a statement waits while another program has the file locked. Default: 5,000. */
  readonly lockMs?: number | undefined;
}
