/** What to do with the messages of one channel. */
export interface Listener {
  readonly channel: string;
  readonly receive: (message: unknown) => void;
}

/**
 * The one place where a message gets its type: by the name of its channel, since the types belong to the emitters and the
 * packages that emit need not be installed.
 */
export const on = <Message>(channel: string, receive: (message: Message) => void): Listener => ({
  channel,
  receive: receive as (message: unknown) => void,
});
