/** How frames travel. Frames of one sender should arrive in the order in which they were sent; a few may be lost. */
export interface BusTransport {
  /** Sends one frame to every listener, this one included. Never throws, never waits; what can not be sent is lost. */
  send(frame: string): void;
  /** Listens, and keeps listening over losses of the connection. Called once. */
  listen(listener: BusListener): BusListening;
}

export interface BusListener {
  frame(text: string): void;
  /** From now on every frame arrives. */
  whole(): void;
  /** Frames are being missed. */
  broken(): void;
}

export interface BusListening {
  /** Makes a new connection: the listener knows that this one brings nothing. */
  reconnect(): void;
  close(): Promise<void>;
}
