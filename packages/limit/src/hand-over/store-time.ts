/** What time it is in the store, as far as it is known here: never later than it is, as long as both clocks run alike. */
export class StoreTime {
  #toldUs = 0;
  #heardAtUs = 0;

  /** The store told `atUs`, and it is `nowUs` by this process's clock. */
  heard(atUs: number, nowUs: number): void {
    this.#toldUs = atUs;
    this.#heardAtUs = nowUs;
  }

  /** Undefined when it has told nothing yet. */
  at(nowUs: number): number | undefined {
    return this.#toldUs === 0 ? undefined : this.#toldUs + nowUs - this.#heardAtUs;
  }
}
