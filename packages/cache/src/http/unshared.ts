/** Keys remembered at a time (G7). */
const MAX_KEYS = 10_000;

/** So long nobody waits for another's response, since the last one was for its own client only. */
const REMEMBER_US = 10_000_000;

/** Keys whose responses are not for sharing: behind a private page nobody waits for anybody. */
export class Unshared {
  readonly #untilUs = new Map<string, number>();

  add(key: string, nowUs: number): void {
    this.#untilUs.delete(key);
    if (this.#untilUs.size >= MAX_KEYS) {
      for (const oldest of this.#untilUs.keys()) {
        this.#untilUs.delete(oldest);
        break;
      }
    }
    this.#untilUs.set(key, nowUs + REMEMBER_US);
  }

  has(key: string, nowUs: number): boolean {
    const untilUs = this.#untilUs.get(key);
    if (untilUs === undefined) return false;
    if (nowUs < untilUs) return true;
    this.#untilUs.delete(key);
    return false;
  }
}
