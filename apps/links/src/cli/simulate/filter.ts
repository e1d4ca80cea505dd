import { CliError, EXIT } from '../failure.ts';
import type { LogEntry } from '../replay/access-log.ts';

/**
 * Which requests count, by `--method` and `--only-status`.
 * @throws {CliError}
 */
export function requestFilter(options: {
  readonly method?: string;
  readonly onlyStatus?: string;
}): (entry: LogEntry) => boolean {
  const methods = listed(options.method?.toUpperCase(), /^[A-Z]+$/, '--method must be like GET,POST');
  const statuses = listed(
    options.onlyStatus?.toLowerCase(),
    /^[1-9](?:\d\d|xx)$/,
    '--only-status must be like 200,404,5xx',
  );
  return ({ method, status }) =>
    (methods === undefined || methods.has(method)) &&
    (statuses === undefined || statuses.has(String(status)) || statuses.has(`${Math.floor(status / 100)}xx`));
}

function listed(text: string | undefined, each: RegExp, wanted: string): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const items = text.split(',').map((item) => item.trim());
  if (items.every((item) => each.test(item))) return new Set(items);
  throw new CliError(`${wanted}, got "${text}"`, { exitCode: EXIT.usage });
}
