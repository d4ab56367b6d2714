/**
 * The drivers in TypeScript and in C on every cell: one C binary for each ISA, unchanged, gives the replies of the
 * TypeScript driver. Compiled here; without a compiler the cells of its ISA are the TypeScript driver's alone.
 */
import { assert, assertEquals } from "@std/assert";
import { inC, inTypeScript, type Machine, matrix, type Row } from "../../scripts/drivers.ts";
import { buildGuests, type BuiltGuests } from "../support/guest_build.ts";
import { TARGETS, whyNot } from "../support/guest_targets.ts";

let guests: Promise<BuiltGuests> | undefined;
const built = () => guests ??= buildGuests("drivers");

const missing = TARGETS.map((target) => whyNot({ compiler: "gcc" }) ?? whyNot(target));
const skipped = [...new Set(missing.filter((why) => why !== undefined))].join(", ");

const cell = ({ machine, hypervisor, via }: Row) => `${machine}, ${hypervisor}, ${via}`;

Deno.test({
  name: `C drivers, a binary for each ISA, on every cell${skipped === "" ? "" : ` (without: ${skipped})`}`,
  ignore: missing.every((why) => why !== undefined),
  async fn() {
    const { image } = await built();
    const targets = TARGETS.filter((_, i) => missing[i] === undefined);
    const rows = await matrix(targets.map((target) => image(target, "drivers", "-O2")));
    const expected = rows.find(({ typescript }) => "replies" in typescript)!.typescript;
    const carried = new Set<string>();
    for (const row of rows) {
      const { typescript, c, via, hypervisor } = row;
      if ("replies" in typescript) {
        assertEquals(typescript.replies, "replies" in expected ? expected.replies : [], cell(row));
        assert(typescript.exits > 50, cell(row));
      } else assert(via === "hypercall" && typescript.infeasible.length > 20, cell(row));
      if (c === undefined) continue;
      if (row.machine.startsWith("x86 16")) {
        assert("infeasible" in c && c.infeasible.includes("-m16"), cell(row));
        continue;
      }
      assertEquals(row.equal, true, `${cell(row)}: ${JSON.stringify(c)}`);
      if ("replies" in c) {
        assertEquals(c.by, via, cell(row));
        carried.add(`${hypervisor} ${via}`);
      } else assertEquals([hypervisor, via], ["none", "hypercall"], cell(row));
    }
    if (targets.length < TARGETS.length) return;
    const names = ["kvm", "xen", "hyperv", "vmware", "epapr", "papr", "osi"];
    const all = [...names, "none"].flatMap((name) =>
      ["hypercall", "pio", "mmio"].map((via) => `${name} ${via}`)
    );
    assertEquals(carried, new Set(all.filter((one) => one !== "none hypercall")));
  },
});

/** Each trap of an x86-64 binary, as bytes, and the vehicle that has it. */
const TRAPS = [["vmcall", "hypercall", [0x0f, 0x01, 0xc1]], ["out dx, eax", "pio", [0xef]]] as const;

for (const [name, via, bytes] of TRAPS) {
  Deno.test({
    name: `a C driver whose every ${name} is nulled does not get the replies${
      missing[0] ? ` (skipped: ${missing[0]})` : ""
    }`,
    ignore: missing[0] !== undefined,
    async fn() {
      const machine: Machine = { arch: "x86", mode: 64, backend: "vmx" }, { image } = await built();
      const elf = image(TARGETS[0], "drivers", "-O2").slice();
      const right = await inTypeScript(machine, "kvm", via);
      assert("replies" in right);
      assertEquals(await inC(machine, "kvm", via, elf), {
        ...await inC(machine, "kvm", via, elf),
        replies: right.replies,
      });
      let nulled = 0;
      for (let at = 0x1000; at + bytes.length <= elf.length; at++) {
        if (!bytes.every((byte, i) => elf[at + i] === byte)) continue;
        elf.fill(0x90, at, at + bytes.length);
        nulled++;
      }
      assert(nulled > 0);
      const wrong = await inC(machine, "kvm", via, elf);
      assert(!("replies" in wrong) || wrong.replies.join() !== right.replies.join());
    },
  });
}

Deno.test("the TypeScript driver says why a cell is infeasible", async () => {
  const reasons = (await matrix([])).flatMap((row) =>
    "infeasible" in row.typescript ? [`${cell(row)}: ${row.typescript.infeasible}`] : []
  );
  const none = (machine: string) =>
    `${machine}, none, hypercall: hypervisor none: the hypervisor offers its guest no hypercalls`;
  assertEquals(
    reasons.filter((reason) => !reason.startsWith("x86 16")),
    [
      "x86 64 vmx",
      "x86 64 svm",
      "x86 32 vmx",
      "x86 32 svm",
      "ppc 32 kvm-pr",
      "ppc 64 kvm-hv",
      "ppc 64 kvm-pr",
    ]
      .concat(["ppc 64 little-endian kvm-hv", "ppc 64 little-endian kvm-pr"]).map(none),
  );
  assertEquals(reasons.length, 12);
});
