import pino from 'pino';

export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** JSON lines on standard error; standard output is for people. */
export function createLogger(options: { level: string; instance: string }): Logger {
  return pino(
    { level: options.level, base: { instance: options.instance }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}
