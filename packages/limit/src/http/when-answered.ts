import type { ServerResponse } from 'node:http';

/** Tells the status of a response once it is sent, or undefined when the connection ended before there was one. */
export function whenAnswered(response: ServerResponse, tell: (status: number | undefined) => void): void {
  const end = (): void => {
    response.off('finish', end).off('close', end);
    tell(response.headersSent ? response.statusCode : undefined);
  };
  // The client may have left while a store was asked: then both events are over.
  if (response.destroyed) end();
  else response.on('finish', end).on('close', end);
}
