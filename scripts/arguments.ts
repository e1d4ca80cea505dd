import { type ParseArgsConfig, parseArgs } from 'node:util';

/** The values of `options` from the command line. One that is not known ends the process: a line that names it, exit code 2. */
export function parseOptions<const Options extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  options: Options,
): ReturnType<typeof parseArgs<{ options: Options }>>['values'] {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    refuse(command, error instanceof Error ? error.message : String(error));
  }
}

/** For scripts that take no arguments. */
export function refuseArguments(command: string): void {
  const [first] = process.argv.slice(2);
  if (first !== undefined) refuse(command, `It takes no arguments, got "${first}"`, '');
}

/** Wrong arguments: one line, exit code 2. */
export function refuse(command: string, message: string, remedy = `; see ${command} -- --help`): never {
  console.error(`${command}: ${message.replace(/\. To specify a positional .*$/s, '')}${remedy}`);
  process.exit(2);
}
