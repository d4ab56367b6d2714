/** What the guest executes. */
import { RING_BLOCK, type RingCode, type RingOptions } from "../../mod.ts";
import { BUFFERS, type Call, REQUESTS, type RingWay, SITES, STACK } from "./moves.ts";

/** The driver: in turn from each site it makes a request and compares the answer; `r13`, `r21` count the right ones. */
export function driver({ setup = "", request }: Call, arch: "x86" | "ppc"): string {
  const sites = (one: string) => Array<string>(SITES).fill(one).join("\n");
  if (arch === "x86") {
    const one = `inc r12d\n ${request}\n cmp eax, r12d\n jnz end\n inc r13d`;
    return `mov esp, ${STACK}\n ${setup}\n xor r12d, r12d\n xor r13d, r13d
      more: ${sites(one)}\n cmp r12d, ${REQUESTS}\n jb more\n end: hlt`;
  }
  const one = `addi r20, r20, 1\n ${request}\n cmpw r3, r20\n bne end\n addi r21, r21, 1`;
  return `${setup}\n li r20, 0\n li r21, 0
    more: ${sites(one)}\n cmpwi r20, ${REQUESTS}\n blt more\n end: nop`;
}

/** A request in a ring: a u32 of what is asked (0, a request), one that calls use, and the number; answers have it as well. */
export const REQUEST = 12, ANSWER = 16, NUMBER_IN_ANSWER = 8;

/** What the driver tells its ring of a request, given registers of its address and of its reply's. */
export function told(
  kind: RingOptions["kind"],
  request: string,
  reply: string,
): (readonly [number, string | number])[] {
  const common = [[RING_BLOCK.reply, reply], [RING_BLOCK.capacity, ANSWER]] as const;
  // An IOQ's requests begin with the bytes sent and the room for the answer.
  if (kind === "ioq") {
    return [...common, [RING_BLOCK.request, request], [RING_BLOCK.length, 8 + REQUEST + ANSWER]];
  }
  const first = RING_BLOCK.list, second = first + 16;
  return [
    ...common,
    [RING_BLOCK.parts, 2],
    ...([[first, request], [first + 4, REQUEST], [first + 8, 1]] as const),
    ...([[second, reply], [second + 4, ANSWER], [second + 8, 2]] as const),
  ];
}

/** As `driver`, by a ring: SITES requests, a kick if the device wants one, and answers until all have come. */
export function ringDriver(
  { ring: { kind } }: RingWay,
  { source, block }: RingCode,
  arch: "x86" | "ppc",
): string {
  const head = kind === "ioq" ? [REQUEST, ANSWER, 0, 0] : [0, 0], reply = 4 * head.length + REQUEST - 8;
  if (arch === "x86") {
    const words = told(kind, "edi", "esi").map(([at, value]) => `mov dword ptr [rbp+${at}], ${value}`);
    return `mov esp, ${STACK}\n mov ebp, ${block}\n xor r12d, r12d\n xor r13d, r13d
      more: ${"inc r12d\n call submit\n".repeat(SITES)} call ring_kick
      wait: call ring_take\n mov r14d, [rbp+${RING_BLOCK.taken}]\n test r14d, r14d\n jz wait
      mov r15d, [rbp+${RING_BLOCK.results}]
      check: mov edi, [r15+8]\n mov eax, [rdi+${NUMBER_IN_ANSWER}]\n inc r13d\n cmp eax, r13d\n jnz end
      add r15d, 16\n dec r14d\n jnz check\n cmp r13d, r12d\n jb wait
      cmp r12d, ${REQUESTS}\n jb more\n end: hlt
      submit: mov edi, r12d\n and edi, 7\n shl edi, 6\n add edi, ${BUFFERS}
      ${head.map((word, i) => `mov dword ptr [rdi+${4 * i}], ${word}`).join("\n")}
      mov [rdi+${4 * head.length}], r12d\n mov esi, edi\n add esi, ${reply}
      ${words.join("\n")}\n jmp ring_push\n${source}`;
  }
  const little = (word: string, at: number) => `addi r8, r5, ${at}\n stwbrx ${word}, 0, r8`;
  const words = told(kind, "r5", "r6").map(([at, value]) =>
    typeof value === "number" ? `li r7, ${value}\n stw r7, ${at}(r12)` : `stw ${value}, ${at}(r12)`
  );
  return `li r12, 0\n oris r12, r12, ${block >>> 16}\n ori r12, r12, ${block & 0xffff}\n li r20, 0\n li r21, 0
    more: ${"addi r20, r20, 1\n bl submit\n".repeat(SITES)} bl ring_kick
    wait: bl ring_take\n lwz r22, ${RING_BLOCK.taken}(r12)\n cmpwi r22, 0\n beq wait
    lwz r23, ${RING_BLOCK.results}(r12)
    check: lwz r24, 8(r23)\n addi r24, r24, ${NUMBER_IN_ANSWER}\n lwbrx r25, 0, r24\n addi r21, r21, 1
    cmpw r25, r21\n bne end\n addi r23, r23, 16\n addi r22, r22, -1\n cmpwi r22, 0\n bne check
    cmpw r21, r20\n blt wait\n cmpwi r20, ${REQUESTS}\n blt more\n end: nop\n b end
    submit: andi. r5, r20, 7\n slwi r5, r5, 6\n addi r5, r5, ${BUFFERS}\n addi r6, r5, ${reply}
    ${head.map((word, i) => `li r7, ${word}\n ${little("r7", 4 * i)}`).join("\n")}
    ${little("r20", 4 * head.length)}\n ${words.join("\n")}\n b ring_push\n${source}`;
}
