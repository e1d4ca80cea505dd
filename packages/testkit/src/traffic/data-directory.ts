import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the real input lies: `SPILLWAY_DATA`, else `../shared/data` beside the checkout. Undefined when the file is not there. */
export function dataFile(name: string): string | undefined {
  const beside = fileURLToPath(new URL('../../../../../shared/data', import.meta.url));
  const path = join(process.env.SPILLWAY_DATA ?? beside, name);
  return existsSync(path) ? path : undefined;
}
