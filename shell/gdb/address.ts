/** Where debuggers find a guest. */

/** Of this machine only: whoever may connect may do to the guest what the shell may. */
export const LOOPBACK = "127.0.0.1";
/** As QEMU has it. */
export const DEFAULT_PORT = 1234;
