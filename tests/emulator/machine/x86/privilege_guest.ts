/**
 * A guest that tries every operation on selectors with every descriptor at several privilege levels, and tells a hash of
 * what came of each. It starts as a multiboot kernel does, so that QEMU runs the same bytes.
 */

/** Where the guest lies, and its tables, which are made anew for each case. */
export const ORIGIN = 0x10_0000;
const TABLES = 0x1000, IDT = 0x2000, TASK = 0x2800, LDT = 0x2c00, POINTER = 0x2d00, TABLES_END = 0x2e00;
const TASK_32 = 0x2a00, TASK_16 = 0x2b00;
/** What a case leaves behind is gathered here; the stacks by privilege level; INT 80h, which ends a case. */
const DUMP = 0x3000, COUNTERS = 0x3800, STACKS = 0x6000, LANDING = 0x7000;
export const PORT = 0xe9, EXIT_PORT = 0xf4;

interface Row {
  readonly name: string;
  readonly low: bigint;
}

function segment(base: number, limit: number, access: number, flags: number): bigint {
  const b = BigInt(base), l = BigInt(limit);
  return l & 0xffffn | (b & 0xff_ffffn) << 16n | BigInt(access) << 40n | (l >> 16n & 0xfn) << 48n |
    BigInt(flags) << 52n | b >> 24n << 56n;
}
function gate(selector: number, offset: number, access: number, count = 0): bigint {
  const o = BigInt(offset);
  return o & 0xffffn | BigInt(selector) << 16n | BigInt(count) << 32n | BigInt(access) << 40n |
    o >> 16n << 48n;
}

const flat = (access: number, flags = 0xc) => segment(0, 0xf_ffff, access, flags);
const LEVELS = [0, 1, 2, 3];
/** The first rows: 32-bit code and data by level, which the guest itself uses; then the TSS and the LDT. */
const CODE = 0x08, DATA = 0x28, MAIN_TASK = 0x48, TABLE = 0x50;

/** The global descriptor table. Accessed bits are set: QEMU sets them in some places only. */
function gdt(): readonly Row[] {
  const rows: Row[] = [{ name: "null", low: 0n }];
  const add = (name: string, low: bigint) => void rows.push({ name, low });
  for (const dpl of LEVELS) add(`code ${dpl}`, flat(0x9b | dpl << 5));
  for (const dpl of LEVELS) add(`data ${dpl}`, flat(0x93 | dpl << 5));
  add("main task", segment(TASK, 0x67, 0x89, 0));
  add("ldt", segment(LDT, 0x27, 0x82, 0));
  for (const dpl of LEVELS) {
    add(`conforming ${dpl}`, flat(0x9f | dpl << 5));
    add(`execute-only ${dpl}`, flat(0x99 | dpl << 5));
    add(`read-only ${dpl}`, flat(0x91 | dpl << 5));
  }
  for (const dpl of [0, 3]) {
    add(`16-bit code ${dpl}`, flat(0x9b | dpl << 5, 8));
    add(`16-bit data ${dpl}`, flat(0x93 | dpl << 5, 8));
    add(`expand-down ${dpl}`, segment(0, 0, 0x97 | dpl << 5, 4));
    add(`absent code ${dpl}`, flat(0x1b | dpl << 5));
    add(`absent data ${dpl}`, flat(0x13 | dpl << 5));
    add(`absent conforming ${dpl}`, flat(0x1f | dpl << 5));
    add(`32-bit task ${dpl}`, segment(TASK_32, 0x67, 0x89 | dpl << 5, 0));
    add(`16-bit task ${dpl}`, segment(TASK_16, 0x2b, 0x81 | dpl << 5, 0));
    add(`busy task ${dpl}`, segment(TASK_32, 0x67, 0x8b | dpl << 5, 0));
    add(`absent task ${dpl}`, segment(TASK_32, 0x67, 0x09 | dpl << 5, 0));
    add(`ldt ${dpl}`, segment(LDT, 0x27, 0x82 | dpl << 5, 0));
    add(`type 0 ${dpl}`, segment(0, 0, 0x80 | dpl << 5, 0));
    add(`type 8 ${dpl}`, segment(0, 0, 0x88 | dpl << 5, 0));
    add(`interrupt gate ${dpl}`, gate(CODE, LANDING, 0x8e | dpl << 5));
  }
  add("short task", segment(TASK_32, 0x66, 0xe9, 0));
  const find = (name: string) => 8 * rows.findIndex((row) => row.name === name);
  const targets = [
    ...LEVELS.map((dpl) => `code ${dpl}`),
    ...["conforming 0", "conforming 3", "data 0", "null", "absent code 0", "16-bit code 0", "execute-only 1"],
  ];
  for (const target of targets) {
    const selector = find(target);
    for (const dpl of [0, 3]) {
      add(`gate to ${target} ${dpl}`, gate(selector, LANDING, 0x8c | dpl << 5, 3));
      add(`16-bit gate to ${target} ${dpl}`, gate(selector, LANDING, 0x84 | dpl << 5, 2));
    }
  }
  add("absent gate", gate(CODE, LANDING, 0x6c));
  add("gate beyond", gate(0xfff8, LANDING, 0xec));
  for (const target of ["32-bit task 0", "16-bit task 3", "busy task 3", "absent task 0", "data 0"]) {
    for (const dpl of [0, 3]) add(`task gate to ${target} ${dpl}`, gate(find(target), 0, 0x85 | dpl << 5));
  }
  return rows;
}

const ROWS = gdt();
/** The segments among them, of which more than one requested level is tried. */
const PLAIN_ROWS = 23;
const LOCAL: readonly Row[] = [
  { name: "local data 3", low: flat(0xf3) },
  { name: "local code 3", low: flat(0xfb) },
  { name: "local code 0", low: flat(0x9b) },
  { name: "local data 0", low: flat(0x93) },
  { name: "local task", low: segment(TASK_32, 0x67, 0xe9, 0) },
];

/** Selectors to try: every row, and what lies beyond the tables. */
export const SELECTORS: readonly { readonly name: string; readonly value: number }[] = [
  ...ROWS.map(({ name }, i) => ({ name, value: 8 * i })),
  ...LOCAL.map(({ name }, i) => ({ name, value: 8 * i | 4 })),
  { name: "beyond the GDT", value: 8 * ROWS.length },
  { name: "beyond the LDT", value: 8 * LOCAL.length | 4 },
].flatMap(({ name, value }, i) =>
  (i < PLAIN_ROWS ? [0, 1, 3] : [i % 2 * 3]).map((rpl) => ({
    name: `${name} rpl ${rpl}`,
    value: value | rpl,
  }))
);

/** Selector of code or data of the level that bx asks for, to be pushed. */
const matching = (first: number) => `mov ecx, ebx\nand ecx, 3\nlea ecx, [ecx+8*ecx+${first}]\npush ecx`;

/** Operations on the selector in bx; ebp points to a far pointer with it. INT 80h ends each. */
export const OPERATIONS: readonly { readonly name: string; readonly code: string }[] = [
  ...["ds", "es", "fs", "gs"].map((name) => ({ name: `mov ${name}`, code: `mov ${name}, bx` })),
  {
    name: "mov ss",
    // At level 0 the next interrupt would take the stack.
    code:
      `mov ss, bx\nmov eax, ss\nmov ecx, cs\nand ecx, 3\njnz 1f\nmov ecx, ${DATA}\nmov ss, cx\n1: mov ecx, eax`,
  },
  { name: "les", code: "les edi, fword ptr [ebp]" },
  { name: "pop fs", code: "push ebx\npop fs" },
  ...["lar", "lsl"].map((name) => ({ name, code: `${name} eax, ebx\nsete cl` })),
  { name: "lar 16", code: "lar ax, bx\nsete cl" },
  ...["verr", "verw"].map((name) => ({ name, code: `${name} bx\nsete cl` })),
  { name: "jmp", code: "jmp far fword ptr [ebp]" },
  { name: "call", code: "push 0x11111111\npush 0x22222222\npush 0x33333333\ncall far fword ptr [ebp]" },
  { name: "call 16", code: "push 0x11111111\npush 0x22222222\ncall far dword ptr [ebp+8]" },
  { name: "jmp 16", code: "jmp far dword ptr [ebp+8]" },
  { name: "retf", code: `${matching(DATA)}\npush 0x4800\npush ebx\npush ${LANDING}\nretf` },
  {
    name: "retf 8",
    code: `${matching(DATA)}\npush 0x4800\npush 1\npush 2\npush ebx\npush ${LANDING}\nretf 8`,
  },
  { name: "retf to ss", code: `push ebx\npush 0x4800\n${matching(CODE)}\npush ${LANDING}\nretf` },
  { name: "iret", code: `${matching(DATA)}\npush 0x4800\npush 0x3002\npush ebx\npush ${LANDING}\niretd` },
  { name: "iret to ss", code: `push ebx\npush 0x4800\npush 2\n${matching(CODE)}\npush ${LANDING}\niretd` },
  {
    name: "iret 16",
    code:
      `mov ecx, ebx\nand ecx, 3\nlea ecx, [ecx+8*ecx+${DATA}]\npush cx\npushw 0x4800\npushw 2\npush bx\n` +
      `pushw ${LANDING}\niretw`,
  },
  {
    name: "iret to virtual-8086 mode",
    code:
      `push ebx\npush ebx\npush ebx\npush ebx\npush 0x400\npush 0x800\npush 0x23002\npush 0x700\npush 0\niretd`,
  },
  {
    name: "iret to virtual-8086 mode without IOPL",
    code:
      `push ebx\npush ebx\npush ebx\npush ebx\npush 0x400\npush 0x800\npush 0x20002\npush 0x700\npush 0\niretd`,
  },
  ...[0x60, 0x61, 0x62, 0x63, 0x64].map((n) => ({ name: `int 0x${n.toString(16)}`, code: `int ${n}` })),
  { name: "ud2 through the gate", code: "ud2" },
  {
    name: "nested iret",
    code: `mov word ptr [${TASK}], bx\npushfd\nor dword ptr [esp], 0x4000\npopfd\niretd`,
  },
  { name: "lldt", code: "lldt bx\nsldt eax" },
  { name: "ltr", code: "ltr bx\nstr eax" },
];

/** Privileged instructions and ports: without a selector. */
export const PRIVILEGED: readonly { readonly name: string; readonly code: string }[] = [
  "mov eax, cr0\nand eax, 1",
  "mov eax, dr7",
  "mov ecx, cr3\nmov cr3, ecx",
  "clts",
  "invlpg [ebp]",
  "wbinvd",
  "sldt eax",
  "str eax",
  "smsw eax\nand eax, 1",
  "cli",
  "sti\ncli",
  "in al, 0x21",
  "out 0x80, al",
  "mov ecx, 0x10\nrdmsr\nxor eax, eax\nxor edx, edx",
  "pushfd\npop ecx",
  "pushfd\nor dword ptr [esp], 0x3200\npopfd\npushfd\npop ecx\nand ecx, 0x3200",
  "into",
  "int3",
  "int 0x10",
  "arpl ax, bx",
  "pushfd\nor dword ptr [esp], 0x100\npopfd\nnop\nnop",
].map((code) => ({ name: code.replaceAll("\n", "; "), code }));

export const STARTS = [0, 1, 3];

const quads = (rows: readonly { readonly low: bigint }[]) =>
  rows.map(({ low }) => `.quad 0x${low.toString(16)}`).join("\n");

const WITH_CODE = new Set([8, 10, 11, 12, 13, 14, 17]);
const VECTORS = [...Array(20).keys(), 0x80];

function idt(): string {
  const lines: string[] = [];
  for (let vector = 0; vector <= 0x80; vector++) {
    const open = vector === 3 || vector === 4 || vector === 0x80 ? 0xee : 0x8e;
    if (VECTORS.includes(vector)) {
      lines.push(`.word (stub${vector}) & 0xffff, ${CODE}, ${open << 8}, (stub${vector}) >> 16`);
    } else if (vector >= 0x60 && vector <= 0x64) {
      const access = [0xee, 0xe6, 0xe5, 0x8e, 0x6e][vector - 0x60];
      lines.push(`.word ${LANDING}, 0, ${access << 8}, 0`);
    } else lines.push(".quad 0");
  }
  return lines.join("\n");
}

const stubs = VECTORS.map((vector) =>
  `stub${vector}: ${WITH_CODE.has(vector) ? "" : "push 0\n"}push ${vector}\njmp common`
).join("\n");

/** The task that cases switch to: its registers are counted through. */
function task32(stack: number): string {
  const words = [0, stack, DATA, 0x5400, DATA + 9, 0x5000, DATA + 18, 0, LANDING, 2];
  const general = [1, 2, 3, 4, 0x4c00, 5, 6, 7];
  const segments = [DATA, CODE, DATA, DATA, DATA, DATA, TABLE];
  return `.long ${[...words, ...general, ...segments].join(", ")}\n.word 0, 0x68`;
}
function task16(): string {
  const words = [0, STACKS - 0x40, DATA, 0x5400, DATA + 9, 0x5000, DATA + 18, LANDING, 2];
  return `.word ${
    [...words, 1, 2, 3, 4, 0x4c00, 5, 6, 7, DATA + 27, CODE + 27, DATA + 27, DATA + 27, TABLE].join(", ")
  }`;
}

/** Assembly text of the guest; `only` is the number of the one case that it shows word by word. */
export function privilegeGuest(only?: number): string {
  const operations = [...OPERATIONS, ...PRIVILEGED];
  return `
    .align 4
    .long 0x1badb002, 0x10000, ${(-(0x1bad_b002 + 0x1_0000)) >>> 0}
    .long ${ORIGIN}, ${ORIGIN}, 0, 0, start
  start:
    cli
    cld
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    mov esp, ${STACKS}
    mov ebx, gdtr
    lgdt [ebx]
    mov ebx, idtr
    lidt [ebx]
    mov edi, ${LANDING}
    mov word ptr [edi], 0x80cd
    mov esi, template
    mov edi, ${TABLES}
    mov ecx, ${(TABLES_END - TABLES) / 4}
    rep movsd
    mov eax, ${DATA}
    mov ss, ax
    mov ds, ax
    mov es, ax
    mov esi, operation
    mov edi, ${COUNTERS}
    movsd
    movsd
    movsd
    push ${CODE}
    push next
    retf
  next:
    mov esp, ${STACKS}
    mov esi, template
    mov edi, ${TABLES}
    mov ecx, ${2 * ROWS.length}
    rep movsd
    mov esi, template + ${IDT + 48 - TABLES}
    mov edi, ${IDT + 48}
    movsd
    movsd
    mov esi, template + ${TASK - TABLES}
    mov edi, ${TASK}
    mov ecx, ${(TABLES_END - TASK) / 4}
    rep movsd
    xor eax, eax
    mov edi, ${DUMP}
    mov ecx, 28
    rep stosd
    mov edi, ${STACKS - 0x100}
    mov ecx, ${0x100 / 4}
    rep stosd
    mov eax, ${MAIN_TASK}
    ltr ax
    mov eax, ${TABLE}
    lldt ax
    clts
    mov eax, [${COUNTERS + 4}]
    mov ebx, [4*eax+selectors]
    cmp dword ptr [${COUNTERS}], ${OPERATIONS.length}
    jb 1f
    xor ebx, ebx
  1:
    mov [${POINTER + 4}], bx
    mov [${POINTER + 10}], bx
    mov eax, 0x60
  2:
    mov [8*eax+${IDT + 2}], bx
    inc eax
    cmp eax, 0x65
    jb 2b
    mov eax, [${COUNTERS}]
    cmp eax, ${operations.findIndex(({ name }) => name === "ud2 through the gate")}
    jne 1f
    mov [${IDT + 8 * 6 + 2}], bx
    mov word ptr [${IDT + 8 * 6}], ${LANDING}
    mov word ptr [${IDT + 8 * 6 + 6}], 0
  1:
    mov edx, [4*eax+operations]
    mov ecx, [${COUNTERS + 8}]
    mov esi, ecx
    shl esi, 9
    neg esi
    add esi, ${STACKS}
    mov eax, ${DATA + 27}
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ebp, ${POINTER}
    test ecx, ecx
    jz 1f
    lea eax, [ecx+8*ecx+${DATA}]
    push eax
    push esi
  1:
    push 2
    lea eax, [ecx+8*ecx+${CODE}]
    push eax
    push edx
    xor eax, eax
    xor ecx, ecx
    xor edx, edx
    xor esi, esi
    xor edi, edi
    iretd
  ${operations.map(({ code }, i) => `operation${i}: ${code}\nint 0x80`).join("\n")}
  ${stubs}
  common:
    cld
    pushad
    xor eax, eax
    mov ax, ds
    push eax
    mov ax, es
    push eax
    mov ax, fs
    push eax
    mov ax, gs
    push eax
    mov eax, ${DATA}
    mov ds, ax
    mov es, ax
    mov ebx, esp
    mov edx, ss
    cmp edx, ${DATA}
    jne stuck
    ; QEMU does not tell external events in error codes.
    and dword ptr [ebx+52], -2
    ; RF is not there to be compared, nor are flags that operations leave undefined.
    and dword ptr [ebx+64], 0x27700
    mov dword ptr [ebx+28], 0
    mov esi, ebx
    mov edi, ${DUMP}
    mov ecx, 17
    rep movsd
    mov eax, [ebx+60]
    and eax, 3
    jnz 1f
    test dword ptr [ebx+64], 0x20000
    jz 2f
  1:
    movsd
    lodsd
    and eax, 0xffff
    stosd
    test dword ptr [ebx+64], 0x20000
    jz 2f
    movsd
    movsd
    movsd
    movsd
  2:
    mov edi, ${DUMP + 92}
    mov [edi], ebx
    mov [edi+4], ss
    sldt eax
    mov [edi+8], ax
    str eax
    mov [edi+12], ax
    mov eax, cr0
    and eax, 8
    mov [edi+16], eax
    ; QEMU 7.2 clears the upper halves of a 16-bit task's registers, other versions and a 386 set them.
    str ecx
    lsl eax, ecx
    cmp eax, 0x2b
    jne 3f
    mov esi, 7
  4:
    mov word ptr [4*esi+ebx+18], 0
    mov word ptr [4*esi+${DUMP + 18}], 0
    dec esi
    jns 4b
    mov word ptr [ebx+70], 0
    mov word ptr [${DUMP + 70}], 0
  3:
    cmp byte ptr [verbose], 0
    jne show
    mov edx, 0x811c9dc5
    mov esi, ${DUMP}
    mov ecx, 28
    call hash
    mov esi, ${TABLES}
    mov ecx, ${2 * ROWS.length}
    call hash
    mov esi, ${TASK}
    mov ecx, 26
    call hash
    mov esi, ${TASK_32}
    mov ecx, 26
    call hash
    mov esi, ${TASK_16}
    mov ecx, 11
    call hash
    mov esi, ${STACKS - 0x100}
    mov ecx, ${0x100 / 4}
    call hash
    call print
  advance:
    mov eax, [${COUNTERS + 8}]
    mov eax, [4*eax+following]
    mov [${COUNTERS + 8}], eax
    test eax, eax
    jnz next
    inc dword ptr [${COUNTERS + 4}]
    cmp dword ptr [${COUNTERS + 4}], ${SELECTORS.length}
    jae 1f
    ; Without a selector once is enough.
    cmp dword ptr [${COUNTERS}], ${OPERATIONS.length}
    jb next
  1:
    mov dword ptr [${COUNTERS + 4}], 0
    inc dword ptr [${COUNTERS}]
    cmp dword ptr [${COUNTERS}], ${operations.length}
    jb next
  finish:
    mov eax, 0
    out ${EXIT_PORT}, al
    cli
    hlt
    jmp finish
  stuck:
    mov edx, 0xdeadbeef
    call print
    jmp finish
  show:
    mov esi, ${DUMP}
    mov ecx, 28
    call words
    mov esi, ${TASK}
    mov ecx, ${(LDT - TASK) / 4}
    call words
    mov esi, ${STACKS - 0x80}
    mov ecx, ${0x80 / 4}
    call words
    jmp finish
  words:
    lodsd
    mov edx, eax
    push ecx
    call print
    pop ecx
    loop words
    ret
  hash:
    xor edx, [esi]
    imul edx, edx, 0x1000193
    add esi, 4
    dec ecx
    jnz hash
    ret
  print:
    mov ecx, 8
  1:
    rol edx, 4
    mov eax, edx
    and eax, 15
    cmp eax, 10
    jb 2f
    add eax, 39
  2:
    add eax, 48
    out ${PORT}, al
    dec ecx
    jnz 1b
    mov eax, 10
    out ${PORT}, al
    ret
    .align 16
  template:
  ${quads(ROWS)}
    .space ${IDT - TABLES - 8 * ROWS.length}
  idt: ${idt()}
    .space ${TASK - IDT - 8 * 0x81}
    ${task32(STACKS)}
    .space ${TASK_32 - TASK - 104}
    ${task32(STACKS - 0x40)}
    .space ${TASK_16 - TASK_32 - 104}
    ${task16()}
    .space ${LDT - TASK_16 - 44}
    ${quads(LOCAL)}
    .space ${POINTER - LDT - 8 * LOCAL.length}
    .long ${LANDING}, 0
    .word ${LANDING}, 0
    .space ${TABLES_END - POINTER - 12}
  operations: .long ${operations.map((_, i) => `operation${i}`).join(", ")}
  selectors: .long ${SELECTORS.map(({ value }) => value).join(", ")}
  following: .long 1, 3, 0, 0
  gdtr: .word ${8 * ROWS.length - 1}
    .long ${TABLES}
  idtr: .word ${8 * 0x81 - 1}
    .long ${IDT}
  verbose: .byte ${only === undefined ? 0 : 1}, 0, 0, 0
  ${first(only ?? 0, operations.length)}`;
}

/** What the case counters are at case `number`. */
function first(number: number, operations: number): string {
  const { operation, selector, level } = caseOf(number);
  if (operation >= operations) throw new RangeError(`there is no case ${number}`);
  return `operation: .long ${operation}\nselector: .long ${selector}\nlevel: .long ${level}`;
}

export function caseOf(number: number): { operation: number; selector: number; level: number } {
  const level = STARTS[number % STARTS.length], rest = Math.floor(number / STARTS.length);
  const all = OPERATIONS.length * SELECTORS.length;
  if (rest >= all) return { operation: OPERATIONS.length + rest - all, selector: 0, level };
  return { operation: Math.floor(rest / SELECTORS.length), selector: rest % SELECTORS.length, level };
}

export const CASES = STARTS.length * (OPERATIONS.length * SELECTORS.length + PRIVILEGED.length);

/** What case `number` does, for people. */
export function describeCase(number: number): string {
  const { operation, selector, level } = caseOf(number);
  const what = [...OPERATIONS, ...PRIVILEGED][operation].name;
  const on = operation < OPERATIONS.length ? ` of ${SELECTORS[selector].name}` : "";
  return `case ${number}: ${what}${on} at level ${level}`;
}
