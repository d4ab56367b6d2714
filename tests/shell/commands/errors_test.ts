import { assertStringIncludes } from "@std/assert";
import { startSession } from "./session.ts";

/** Lines to run first, a line, and a part of the error that it gives. */
const CASES: readonly (readonly [before: readonly string[], line: string, error: string])[] = [
  [[], "arch arm", "Expected one of x86, ppc, 16"],
  [[], "arch ppc 16", "ppc has no 16-bit mode"],
  [[], "arch x86 ppc", "names two of a kind"],
  [["arch x86"], "backend kvm-hv", 'type "arch ppc" first'],
  [["arch ppc 32"], "backend kvm-hv", "runs no 32-bit guests"],
  [[], "call 1", 'type "open NAME" first'],
  [[], "open ehco", 'did you mean "echo"?'],
  [["open echo"], "call x", "x"],
  [["open echo"], "call 0x100000000", "function number 0x100000000 is not between 0 and 0xffffffff"],
  [["open echo"], "call 1 hex:abc", "a byte takes two"],
  [["open echo"], "read 0 3", 'size "3" is not 1, 2, 4 or 8'],
  [["open echo"], "write 0 0x100 1", "does not fit in 1 byte"],
  [["arch x86"], "out.b 0x80 256", "does not fit in 1 byte"],
  [["arch x86"], "out.b 0x10000 1", "port 0x10000 is not between 0 and 0xffff"],
  [["arch x86"], "out.q 0x80 1", ".b, .w and .l"],
  [["arch x86"], "in.b", "takes one port and was given 0 words"],
  [["arch x86"], "x/8q 0", '"q"'],
  [["arch x86"], "x/8xw 0xf0000000", "guest-physical"],
  [["arch x86"], "set rax 1 <<", '"1 <<" should have a number'],
  [["arch x86 32"], "set eax 0x100000000", "does not fit in eax, which has 32 bits"],
  [["arch x86"], "set rxa 1", 'did you mean "rax"?'],
  [["arch x86"], "regs rxa", 'did you mean "rax"?'],
  [["arch x86"], "asm mvo eax, 1", "mvo"],
  [["arch x86"], "asm at 0x1000", "wants an address and then the text"],
  [["arch x86"], "delete 7", "there are none"],
  [["arch x86"], "step 0", "step count 0 is not between 1"],
  [["arch x86"], "profile tsirkin-2031", "tsirkin-2013"],
  [["arch x86"], "profile ppc64-hv-assumed", "is for ppc"],
  [["arch x86", "out.b 0x80 1"], "profile tsirkin-2013", '"exits reset" first'],
  [[], "info exits by colour", "port"],
  [[], "device remove nothing", 'There is no device "nothing"'],
  [[], "device reload echo", "did not come from a file"],
  [["arch x86", "asm hlt"], "run --expect BUDGET", "expected the guest to stop with BUDGET"],
];

for (const [before, line, error] of CASES) {
  Deno.test(`error of "${line}"`, async () => {
    const { session, type } = startSession();
    for (const other of before) await type(other);
    const text = await type(line);
    assertStringIncludes(text, "error:");
    assertStringIncludes(text, error);
    // The session goes on.
    assertStringIncludes(await type("echo on"), "on");
    session.close();
  });
}
