/** Typed access to one vCPU's state area, by byte offset. */
export interface StateView {
  get64(offset: number): bigint;
  set64(offset: number, value: bigint): void;
  /** Low 32 bits, unsigned. */
  get32(offset: number): number;
  set32(offset: number, value: number): void;
  get8(offset: number): number;
  set8(offset: number, value: number): void;
}
