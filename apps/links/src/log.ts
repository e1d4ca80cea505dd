import pino from 'pino';

export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** What waits for a standard error that takes nothing; more is dropped. */
const MAX_WAITING_BYTES = 1_048_576;

/** JSON lines on standard error; standard output is for people. Serving goes on where nobody can be told: a closed terminal, a full disk. */
export function createLogger(options: { level: string; instance: string }): Logger {
  const destination = pino.destination({ dest: 2, sync: true, maxLength: MAX_WAITING_BYTES });
  destination.on('error', () => undefined);
  return pino(
    { level: options.level, base: { instance: options.instance }, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  );
}
