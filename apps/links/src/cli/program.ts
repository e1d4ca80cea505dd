import { Command, CommanderError, type OptionValues } from 'commander';
import { EXIT } from './failure.ts';
import { version } from './version.ts';

type Action<Options> = (args: readonly string[], options: Options) => Promise<number>;

/** The commands, their arguments and their help. What they do is loaded when one is called. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.done;
  /** An action that gets the arguments and the options, and whose result is the exit code. */
  const does =
    <Options extends OptionValues>(load: () => Promise<Action<Options>>) =>
    async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      const action = await load();
      exitCode = await action(command.args, command.opts<Options>());
    };

  const program = new Command('spillway')
    .description('Short links that stand when the flood comes, and the tools around them')
    .version(version(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show the help')
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .addHelpText(
      'after',
      `
Without a command the service starts, as with "spillway links". It is set up by environment variables.

Examples:
  spillway                                   serve short links on http://localhost:8080
  spillway check-config                      is the environment right?
  spillway import urls.txt.gz --key KEY      make a link of every line
  spillway replay access.log --base http://example.com --create --key KEY
  spillway simulate access.log --suggest     what limit should I set?`,
    );

  program
    .command('links')
    .description('serve short links')
    .addHelpText('after', example('PORT=3000 DATA_DIR=/var/lib/spillway spillway links'))
    .action(
      does(async () => async () => {
        await (await import('../main.ts')).serve(process.env);
        return EXIT.done;
      }),
    );
  program
    .command('worker')
    .description('count clicks, and nothing else: beside instances with ROLE=web')
    .addHelpText('after', example('DATABASE_URL=postgres://... REDIS_URL=redis://... spillway worker'))
    .action(
      does(async () => async () => {
        await (await import('../main.ts')).runWorker(process.env);
        return EXIT.done;
      }),
    );
  program
    .command('migrate')
    .description('bring the database up to date and end')
    .addHelpText('after', example('DATABASE_URL=postgres://... spillway migrate'))
    .action(does(async () => (await import('./migrate.ts')).migrateDatabase));
  program
    .command('after-restore')
    .description('step over ids that were given out after the backup: run it before the first instance starts again')
    .option('--blocks <n>', 'how many blocks of 10,000 ids', '1000')
    .addHelpText('after', example('DATABASE_URL=postgres://... spillway after-restore'))
    .action(does(async () => (await import('./migrate.ts')).stepOverIds));
  program
    .command('check-config')
    .description('check the environment variables and say all that is wrong with them')
    .addHelpText('after', example('PORT=http spillway check-config'))
    .action(does(async () => (await import('./check-config.ts')).checkConfig));

  const keys = program.command('keys').description('make, list and revoke API keys');
  withService(keys.command('create').description('make a key, shown this once'))
    .argument('<name>', 'what the key is for')
    .option('--scopes <scopes>', 'what it may do, separated by commas', 'links:read,links:write,stats:read')
    .option('--expires <time>', 'until when, e.g. 2027-01-01')
    .option('--plan <name>', 'its plan, e.g. free')
    .addHelpText('after', example('spillway keys create shop --scopes links:write --key ADMIN_KEY'))
    .action(does(async () => (await import('./keys.ts')).createKey));
  withService(keys.command('list').description('list the keys'))
    .option('--json', 'print JSON')
    .action(does(async () => (await import('./keys.ts')).listKeys));
  withService(keys.command('revoke').description('take keys away, at once'))
    .argument('<id...>', 'ids as "keys list" shows them')
    .addHelpText('after', example('spillway keys revoke key_0123456789abcdef --key ADMIN_KEY'))
    .action(does(async () => (await import('./keys.ts')).revokeKeys));

  withService(program.command('import').description('make a link of every line of a file'))
    .argument(
      '<file>',
      'one URL a line, CSV with url, alias, tags, or what export writes, CSV and NDJSON; "-" for standard input; gzip is understood',
    )
    .option(
      '--format <format>',
      'lines, csv, ndjson, or auto: by the end of the name, or the first line, which names the columns of CSV; to be said for CSV that does not name them',
      'auto',
    )
    .option('--batch <rows>', 'rows per request, up to 1000', '500')
    .option('--concurrency <n>', 'requests at a time', '2')
    .option('--state <file>', 'where to keep how far it got; default: beside the file, ".spillway-import" appended')
    .option('--anew', 'make links anew, also of rows that an earlier import of the same file has made')
    .option('--without-passwords', 'make links open whose password is not in the file; else they are refused')
    .addHelpText(
      'after',
      `
An import that was interrupted goes on where it stopped when the same command is run again, and makes no link twice.
Refused rows are named on standard error with their line; the exit code is then 1. Files are in UTF-8.

An export holds all of a link but its password. Such rows are refused; add a column "password", or see --without-passwords.
Links come with all of their maxClicks again; those that have used them up (usedClicks) are refused, as expired ones are.
Those of the default domain go to the default one of the service; others to their own, which it must have (DOMAINS).
Tags stand with ";" or "," between them, or as a JSON list where one has these in it. An apostrophe in front of what a
spreadsheet would take for a formula ('=1) is taken off, as export puts it on. A title '=1 is then written ''=1.
${example('spillway import urls.txt.gz --key KEY', 'spillway import links.csv --server https://sho.rt', 'cat urls | spillway import -')}`,
    )
    .action(does(async () => (await import('./import/import-links.ts')).importLinks));

  withService(program.command('export').description('write all links to standard output or a file'))
    .option('--format <format>', 'csv or ndjson', 'csv')
    .option('-o, --output <file>', 'write to a file')
    .option('--tag <tag>', 'only links with this tag')
    .option('--search <text>', 'only links with this text in code, URL or title')
    .addHelpText(
      'after',
      `
Either format can be imported again. Passwords are not exported: hasPassword names the links that have one, and standard error
their number. The CSV is safe to open in a spreadsheet: what it would take for a formula has an apostrophe in front.
${example('spillway export --format ndjson --key KEY | head', 'spillway export -o links.csv --key KEY')}`,
    )
    .action(does(async () => (await import('./export-links.ts')).exportLinks));

  withService(program.command('replay').description('send the requests of an access log again, as clicks'))
    .argument('<log>', 'a log in the combined format; "-" for standard input; gzip is understood')
    .requiredOption(
      '--base <url>',
      'what stood before the paths of the log: with a path it is the URL that a link leads to',
    )
    .option('--create', 'make the links that are missing')
    .option('--times <times>', 'log: clicks have the times of the log, now: the time of their sending', 'log')
    .option('--concurrency <n>', 'requests at a time', '32')
    .option('--rate <n>', 'requests a second at most')
    .addHelpText(
      'after',
      `
Every line is sent as GET with its client address (X-Forwarded-For), user agent, referrer and time. The service believes address
and time only if it runs with TRUSTED_PROXIES=loopback (or this machine's address) and ALLOW_REPLAY_TIME=true.
${example('spillway replay access.log.gz --base http://example.com --create --key KEY')}`,
    )
    .action(does(async () => (await import('./replay/replay-log.ts')).replayLog));

  program
    .command('simulate')
    .description('say whom a rate limit would have stopped, from an access log')
    .argument('<log>', 'a log in the combined format; "-" for standard input; gzip is understood')
    .option('--policy <limit>', 'a limit like "50/m burst 10" (units s, m, h); may be repeated', gathered, [])
    .option('--policies <file>', 'JSON with a list of policies of any strategy of @spillway/limit but concurrency')
    .option('--by <subject>', 'what is counted: ip (IPv6 by /64), path or user-agent', 'ip')
    .option('--method <methods>', 'only requests with these methods, separated by commas')
    .option('--only-status <statuses>', 'only requests that were answered like this, e.g. 200,404,5xx')
    .option(
      '--suggest [percent]',
      'find the smallest limit a minute that stops at most so many percent of the clients: 0.1',
    )
    .option(
      '--reorder <duration>',
      'put requests in the order of their times within this, up to 1h; 0s: as they stand',
      '1m',
    )
    .option('--worst <n>', 'how many of the most limited clients to show', '5')
    .option('--json', 'print JSON')
    .option('--svg <file>', 'draw the requests over time, allowed and limited, for each policy')
    .addHelpText(
      'after',
      `
Each policy is asked by itself, at the times of the log, as if no client had noticed its refusals. Lines that are no requests are
left out and counted; the first few are named on standard error.
${example("spillway simulate access.log.gz --policy '50/m burst 10' --policy 100/m --svg limits.svg", 'spillway simulate access.log --suggest 0.5')}`,
    )
    .action(does(async () => (await import('./simulate/simulate-log.ts')).simulateLog));

  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version arrive here too, with exit code 0; anything else was a wrong argument, and has been said.
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

const gathered = (value: string, before: readonly string[]): readonly string[] => [...before, value];

function withService(command: Command): Command {
  return command
    .option(
      '--server <url>',
      'the service; default: SPILLWAY_SERVER, or http://localhost:PORT with PORT as in the environment or 8080',
    )
    .option('--key <key>', 'API key; default: SPILLWAY_KEY, or ADMIN_KEY');
}

function example(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
