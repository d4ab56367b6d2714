/** Counts changes of what decides where exits go: whoever remembers a way asks by it whether that still is one. */
export class Changes {
  #count = 0;
  readonly #told: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }
  /** There is another range, match, zone, call or memory slot, or one less, or a device's page is touched first again. */
  note(): void {
    this.#count++;
    for (const tell of this.#told) tell();
  }
  /** Calls a function at each change. */
  onChange(tell: () => void): void {
    this.#told.push(tell);
  }
}
