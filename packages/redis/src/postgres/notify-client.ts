/** As much of a connected `pg.Client` as the bus needs. It is the bus' own: the bus ends it. */
export interface NotifyClient {
  query(text: string, values?: unknown[]): Promise<unknown>;
  on(event: 'notification', listener: (notification: NotifyMessage) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  end(): Promise<void>;
  /** The socket, which is destroyed when a polite end gets no answer. `pg` has it; without it such a socket stays. */
  readonly connection?: { readonly stream?: { destroy(): unknown } };
}

export interface NotifyMessage {
  readonly channel: string;
  readonly payload?: string | undefined;
}
