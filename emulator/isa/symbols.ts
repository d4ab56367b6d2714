/** Names of addresses: labels of assembled programs and symbols of loaded images. */

/** A name at an address. */
export interface NamedAddress {
  /** Unique in its table. */
  readonly name: string;
  /** 64 bits. */
  readonly address: bigint;
  /** Bytes that belong to it, if it is known. */
  readonly size?: bigint;
}

/** How far behind a symbol of unknown size an address still counts as its own: 64 KiB. */
const MAX_DISTANCE = 0x1_0000n;

/** The symbols of a VM. Names are unique; several may stand at one address. */
export class SymbolTable {
  readonly #byName = new Map<string, NamedAddress>();
  /** By address, and by age among equal ones; built when it is asked for. */
  #sorted: NamedAddress[] | undefined;

  /** Adds a name, or moves it. `size` in bytes; 0 counts as unknown, as it does in ELF files. */
  add(name: string, address: bigint, size?: bigint | number): void {
    if (name === "") throw new SyntaxError("a symbol needs a name");
    const known = size === undefined || BigInt(size) === 0n ? undefined : BigInt(size);
    // Deleting first makes it the youngest.
    this.#byName.delete(name);
    this.#byName.set(name, { name, address: BigInt.asUintN(64, address), size: known });
    this.#sorted = undefined;
  }

  /** The address of a name. */
  lookup(name: string): bigint | undefined {
    return this.#byName.get(name)?.address;
  }

  /**
   * The symbol that `address` belongs to: the last one at or before it whose size reaches so far, or of
   * unknown size and not more than 64 KiB away. At equal addresses the oldest.
   */
  nearest(address: bigint): { name: string; offset: bigint } | undefined {
    const sorted = this.#sort();
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    let found: NamedAddress | undefined;
    for (let i = low - 1; i >= 0; i--) {
      const candidate = sorted[i];
      if (found !== undefined && candidate.address !== found.address) break;
      if (address - candidate.address < (candidate.size ?? MAX_DISTANCE)) found = candidate;
      // Past the end of what stands last before the address, nothing further back is meant.
      else if (found === undefined && sorted[i - 1]?.address !== candidate.address) break;
    }
    return found && { name: found.name, offset: address - found.address };
  }

  /** `"name"`, `"name+0x10"`, or `"0x1234"` where no symbol is near. */
  format(address: bigint): string {
    const found = this.nearest(address);
    if (found === undefined) return `0x${address.toString(16)}`;
    return found.offset === 0n ? found.name : `${found.name}+0x${found.offset.toString(16)}`;
  }

  /** All names, oldest first. */
  get names(): string[] {
    return [...this.#byName.keys()];
  }

  /** All symbols by address. */
  list(): readonly NamedAddress[] {
    return this.#sort();
  }

  /** All names and their addresses, as `assemble()` takes them. */
  values(): Map<string, bigint> {
    return new Map([...this.#byName.values()].map(({ name, address }) => [name, address]));
  }

  /** Removes the symbols in `length` bytes from `address`, such as those of an image that is overwritten. */
  removeRange(address: bigint, length: bigint | number): void {
    const end = address + BigInt(length);
    for (const symbol of this.#byName.values()) {
      if (symbol.address >= address && symbol.address < end) this.#byName.delete(symbol.name);
    }
    this.#sorted = undefined;
  }

  /** Removes all symbols. */
  clear(): void {
    this.#byName.clear();
    this.#sorted = undefined;
  }

  #sort(): NamedAddress[] {
    this.#sorted ??= [...this.#byName.values()].sort((a, b) =>
      a.address < b.address ? -1 : a.address > b.address ? 1 : 0
    );
    return this.#sorted;
  }
}
