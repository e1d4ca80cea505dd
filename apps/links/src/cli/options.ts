import { CliError, EXIT } from './failure.ts';

/** @throws {CliError} when `text` is no integer from `least` to `most` */
export function integerOption(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new CliError(`--${name} must be an integer from ${least} to ${most}, got "${text}"`, { exitCode: EXIT.usage });
}
