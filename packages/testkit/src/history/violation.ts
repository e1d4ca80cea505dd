/** A guarantee that a history breaks, with what shows it. Checkers return all they find; none is `[]`. */
export interface Violation {
  readonly guarantee: 'G1' | 'G6';
  readonly message: string;
  readonly evidence: readonly unknown[];
}
