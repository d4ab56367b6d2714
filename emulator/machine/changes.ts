/** Counts changes of what decides where exits go: whoever remembers a way asks by it whether that still is one. */
export class Changes {
  #count = 0;

  get count(): number {
    return this.#count;
  }
  /** There is another range, match, zone, call or memory slot, or one less, or a device's page is touched first again. */
  note(): void {
    this.#count++;
  }
}
