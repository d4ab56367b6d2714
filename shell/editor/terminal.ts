/** What the editor needs of a terminal, so that a test can give its own. */
import type { Size } from "./screen.ts";

export interface Terminal {
  readonly size: Size;
  write(text: string): void;
  /** Keys one by one and unseen from here on, as text; `changed` after another size or a stop and `fg`. */
  start(on: { text(text: string): void; changed(what: "size" | "continued"): void }): void;
  /** Lines again, as before `start`. */
  stop(): void;
  /** Stops the job that this process is part of, until `fg`. Throws if that cannot be. */
  suspend(): void;
}
