/** PowerPC's hypervisors as guests in assembler meet them: the device tree, calls, refusals. */
import { assertEquals } from "@std/assert";
import type { HypervisorName } from "../../../../emulator/machine/hypervisors/hypervisor.ts";
import { TREE_SLOT } from "../../../../emulator/machine/hypervisors/boot_tree.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";

interface Options {
  readonly mode: 32 | 64;
  readonly backend: "kvm-hv" | "kvm-pr";
  readonly order?: "be" | "le";
}

function guest(hypervisor: HypervisorName, source: string, options: Options): Vm {
  const vm = createVm({ arch: "ppc", memory: 2 ** 18, recordRows: true, hypervisor, ...options });
  vm.load(vm.assemble(`${source}\nend: b end`, 0x2000n));
  return vm;
}

/** Runs to the label `end`, and gives the exits: reason, native name and key. */
async function exits(vm: Vm): Promise<string[]> {
  const stop = await vm.run({ instructions: 1000, until: vm.symbols.lookup("end") });
  assertEquals(stop.reason, "UNTIL", stop.message);
  return vm.exits.rows.map(({ reason, native, key }) => `${reason} ${native.name} ${key.toString(16)}`);
}

const r = (vm: Vm, n: number) => vm.vcpu.registers.get(`r${n}`);

/** A flattened device tree read back: properties by path. Written against the specification, not the writer. */
export function readTree(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset), found = new Map<string, Uint8Array>();
  const textAt = (at: number) => new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
  const align = (at: number) => (at + 3) & ~3;
  assertEquals([view.getUint32(0), view.getUint32(20), view.getUint32(24)], [0xd00d_feed, 17, 16]);
  const strings = view.getUint32(12), path: string[] = [];
  for (let at = view.getUint32(8);;) {
    const token = view.getUint32(at);
    at += 4;
    if (token === 1) {
      const name = textAt(at);
      path.push(name);
      found.set(path.join("/") || "/", new Uint8Array());
      at = align(at + name.length + 1);
    } else if (token === 2) path.pop();
    else if (token === 3) {
      const length = view.getUint32(at), name = textAt(strings + view.getUint32(at + 4));
      found.set(`${path.join("/")}/${name}`, bytes.slice(at + 8, at + 8 + length));
      at = align(at + 8 + length);
    } else {
      assertEquals([token, path.length], [9, 0]);
      return found;
    }
  }
}

const text = (bytes?: Uint8Array) => bytes && new TextDecoder().decode(bytes);

const CELLS: readonly [HypervisorName, Options][] = [
  ["epapr", { mode: 32, backend: "kvm-pr" }],
  ["epapr", { mode: 64, backend: "kvm-pr" }],
  ["epapr", { mode: 64, backend: "kvm-pr", order: "le" }],
  ["papr", { mode: 64, backend: "kvm-hv" }],
  ["papr", { mode: 64, backend: "kvm-hv", order: "le" }],
  ["papr", { mode: 64, backend: "kvm-pr" }],
  ["osi", { mode: 32, backend: "kvm-pr" }],
  ["none", { mode: 64, backend: "kvm-hv" }],
  ["none", { mode: 32, backend: "kvm-pr" }],
];

for (const [hypervisor, options] of CELLS) {
  const name = `${hypervisor} on ${options.backend}, ${options.mode} bits ${options.order ?? ""}`;
  Deno.test(`the device tree is in r3, and tells: ${name}`, () => {
    const vm = guest(hypervisor, "nop", options);
    const check = () => {
      assertEquals([r(vm, 3), r(vm, 7)], [BigInt(TREE_SLOT.gpa), 2n ** 18n]);
      const tree = readTree(vm.memory.read(r(vm, 3), TREE_SLOT.size));
      assertEquals([...tree.get("/memory@0/reg")!], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0]);
      assertEquals(text(tree.get("/cpus/cpu@0/device_type")), "cpu\0");
      assertEquals(tree.has("/hypervisor"), hypervisor === "epapr");
      assertEquals(tree.has("/rtas/ibm,hypertas-functions"), hypervisor === "papr");
      assertEquals(tree.has("/osi"), hypervisor === "osi");
      if (hypervisor !== "epapr") return;
      assertEquals(text(tree.get("/hypervisor/compatible")), "linux,kvm\0epapr,hypervisor-1.1\0");
      const published = vm.assemble("lis r0, 0x4b56\nori r0, r0, 0x4d21\nsc\nnop").bytes;
      const words = tree.get("/hypervisor/hypercall-instructions")!;
      // The tree is big-endian whatever the guest is.
      const flip = options.order === "le";
      assertEquals([...words], [...published].map((_, i) => published[flip ? i ^ 3 : i]));
      assertEquals(r(vm, 6), 0x4550_4150n);
    };
    check();
    vm.vcpu.registers.set("r3", 0);
    vm.reset();
    check();
  });
}

const MAGIC = "lis r0, 0x4b56\nori r0, r0, 0x4d21";
const OSI_MAGIC = "lis r3, 0x1137\nori r3, r3, 0x24fa\nlis r4, 0x7781\nori r4, r4, 0x0f9b";

Deno.test("ePAPR: numbers in r11, KVM's features, EV_UNIMPLEMENTED", async () => {
  for (const mode of [32, 64] as const) {
    const vm = guest(
      "epapr",
      `lis r11, 42\nori r11, r11, 3\n${MAGIC}\nsc\nmr r20, r3\nmr r21, r4\nli r11, 77\n${MAGIC}\nsc`,
      { mode, backend: "kvm-pr" },
    );
    assertEquals(await exits(vm), ["HYPERCALL SYSCALL 2a0003", "HYPERCALL SYSCALL 4d"]);
    assertEquals([r(vm, 20), r(vm, 21), r(vm, 3)], [0n, 0n, 12n]);
  }
});

Deno.test("PAPR: H_FUNCTION on either backend, and registers in and out", async () => {
  for (const backend of ["kvm-hv", "kvm-pr"] as const) {
    const vm = guest("papr", "li r3, 0x7770\nsc 1\nmr r20, r3\nli r3, 8\nli r4, 5\nsc 1", {
      mode: 64,
      backend,
    });
    vm.hypercalls.register(8, {
      name: "eight",
      call({ registers }) {
        registers.set("r4", registers.get("r4") * 2n);
        registers.set("r3", 0);
      },
    });
    assertEquals(await exits(vm), ["PAPR_HCALL SYSCALL 7770", "PAPR_HCALL SYSCALL 8"]);
    assertEquals([BigInt.asIntN(64, r(vm, 20)), r(vm, 3), r(vm, 4)], [-2n, 0n, 10n]);
  }
});

Deno.test("OSI: two magic numbers, OSI_CALL_AVAILABLE, and every register the device's", async () => {
  const vm = guest(
    "osi",
    `li r5, 0\nli r6, 0\n${OSI_MAGIC}\nsc\nmr r20, r3\nli r6, 99\n${OSI_MAGIC}\nli r5, 0\nsc\nmr r21, r3
     li r31, 6\n${OSI_MAGIC}\nli r5, 99\nsc\nmr r22, r31\n${OSI_MAGIC}\nli r5, 98\nsc`,
    { mode: 32, backend: "kvm-pr" },
  );
  vm.hypercalls.register(99, {
    name: "ninety-nine",
    call: ({ registers }) => registers.set("r31", registers.get("r31") * 7n),
  });
  const seen = [0, 0, 0x63, 0x62].map((key) => `OSI SYSCALL ${key.toString(16)}`);
  assertEquals(await exits(vm), seen);
  assertEquals([r(vm, 20), r(vm, 21), r(vm, 22), r(vm, 3)], [1n, 1n, 42n, 0xffff_ffffn]);
});

Deno.test("what is no call of the hypervisor's goes to the guest's own vectors", async () => {
  const cases: readonly [HypervisorName, Options, string, number][] = [
    ["none", { mode: 64, backend: "kvm-hv" }, "sc 1", 0x700],
    ["none", { mode: 32, backend: "kvm-pr" }, `${MAGIC}\nsc`, 0xc00],
    ["osi", { mode: 32, backend: "kvm-pr" }, `${MAGIC}\nsc`, 0xc00],
    ["epapr", { mode: 32, backend: "kvm-pr" }, `${OSI_MAGIC}\nsc`, 0xc00],
    ["papr", { mode: 64, backend: "kvm-hv" }, "sc", 0xc00],
    // Problem state: MSR[PR] by rfi.
    ["epapr", { mode: 32, backend: "kvm-pr" }, `USER${MAGIC}\nsc`, 0xc00],
  ];
  for (const [hypervisor, options, source, vector] of cases) {
    const user = "mfmsr r3\nori r3, r3, 0x4000\nmtspr 27, r3\nli r3, user\nmtspr 26, r3\nRFI\nuser:\n"
      .replace("RFI", options.mode === 64 ? "rfid" : "rfi");
    const vm = guest(hypervisor, source.replace("USER", user), options);
    const stop = await vm.run({ instructions: 1000, until: BigInt(vector) });
    assertEquals(stop.reason, "UNTIL", `${hypervisor} ${source}: ${stop.message}`);
  }
});
