import type { Watermark } from './watermarks.ts';

/** How a sink tells the producers in its own process: the shortcut of every transport. */
export interface CommittedListeners {
  readonly add: (listener: (watermarks: readonly Watermark[]) => void) => () => void;
  readonly tell: (watermarks: readonly Watermark[]) => void;
}

export function committedListeners(): CommittedListeners {
  const listeners = new Set<(watermarks: readonly Watermark[]) => void>();
  return {
    add(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell(watermarks) {
      if (watermarks.length > 0) for (const listener of listeners) listener(watermarks);
    },
  };
}
