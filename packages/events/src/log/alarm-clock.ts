/** A loop's sleep: until a moment has come, or somebody calls `ring`, also if that was before the sleep began. */
export interface AlarmClock {
  sleep(ms: number): Promise<void>;
  ring(): void;
}

export function createAlarmClock(): AlarmClock {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    sleep(ms) {
      return new Promise((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          wake = undefined;
          rung = false;
          resolve();
        };
        const timer = setTimeout(finish, Math.min(ms, 2 ** 31 - 1));
        wake = finish;
        if (rung) finish();
      });
    },
    ring() {
      rung = true;
      wake?.();
    },
  };
}
