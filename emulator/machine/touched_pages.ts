/** Pages of device windows that the guest has touched: only the first touch of one makes the hypervisor look where it leads. */

import { Changes } from "./changes.ts";

/** Pages that are remembered; with more, all are forgotten. */
const MOST = 65_536;

export class TouchedPages {
  readonly #pages = new Set<number>();
  readonly #changes: Changes;

  constructor(changes: Changes = new Changes()) {
    this.#changes = changes;
  }

  /** Whether it has been touched before; it has been now. */
  touch(page: number): boolean {
    if (this.#pages.has(page)) return true;
    if (this.#pages.size >= MOST) this.clear();
    this.#pages.add(page);
    return false;
  }

  clear(): void {
    this.#pages.clear();
    this.#changes.note();
  }

  /** Their numbers, in order. */
  save(): number[] {
    return [...this.#pages].sort((a, b) => a - b);
  }
  /** Adds pages, as many as are remembered. */
  load(pages: Iterable<number>): void {
    for (const page of pages) if (this.#pages.size < MOST) this.#pages.add(page);
  }
}
