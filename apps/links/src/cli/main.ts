import { EXIT, explain } from './failure.ts';

/**
 * Runs the command line and sets `process.exitCode`. Each command is loaded only when it is called: serving links must not
 * wait for the parser of arguments.
 */
export async function main(args: readonly string[]): Promise<void> {
  surviveLostOutput();
  try {
    process.exitCode = await run(args);
  } catch (error) {
    const { message, exitCode } = explain(error);
    console.error(message);
    process.exitCode = exitCode;
  }
}

async function run(args: readonly string[]): Promise<number> {
  if (args.length === 0 || (args.length === 1 && args[0] === 'links')) {
    const { serve } = await import('../main.ts');
    await serve(process.env);
    return EXIT.done;
  }
  const { runProgram } = await import('./program.ts');
  return runProgram(args);
}

/** A reader that goes away (`spillway export | head`) ends the command quietly; output that has no room ends it with a word. */
function surviveLostOutput(): void {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(EXIT.done);
    console.error(`Standard output can not be written (${code}); free some space where it leads, or lead it elsewhere`);
    process.exit(EXIT.failed);
  });
  // There is nowhere left to say it; what was to be said there was no result, but that not all is well.
  process.stderr.on('error', () => process.exit(EXIT.failed));
}
