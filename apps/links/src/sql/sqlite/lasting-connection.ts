import type { SqliteConnection } from './sqlite-connection.ts';

/** A connection that is opened anew when its thread has died, e.g. of a result that was too large for its memory. */
export interface LastingConnection {
  /**
   * The connection to begin with. Whoever has begun a transaction stays with the one it began on: a new one knows nothing of it.
   * It may be down still: one that dies at once is not opened more than once a second.
   */
  current(): SqliteConnection;
  readonly state: SqliteConnection['state'];
  close(): Promise<void>;
}

const REOPEN_MS = 1_000;

export function lastingConnection(
  open: () => SqliteConnection,
  now: () => number = () => performance.now(),
): LastingConnection {
  let connection = open();
  let openedMs = now();
  let closed = false;
  return {
    current() {
      if (connection.state === 'down' && !closed && now() - openedMs >= REOPEN_MS) {
        connection = open();
        openedMs = now();
      }
      return connection;
    },
    get state() {
      return connection.state;
    },
    async close() {
      closed = true;
      await connection.close();
    },
  };
}
