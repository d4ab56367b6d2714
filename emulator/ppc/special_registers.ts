/** Special-purpose registers by number: what a `mfspr` or `mtspr` trap is about. */
import { type PpcMode, SLOT } from "./state.ts";

/** Who may use a register: any program, supervisor state, or hypervisor state alone. */
export type SprAccess = "user" | "supervisor" | "hypervisor";

export interface SpecialRegister {
  readonly name: string;
  readonly access: SprAccess;
  /** Where it is kept; a register without a slot has a meaning of its own (the timebase), or is not implemented. */
  readonly slot?: number;
  /** `mtspr` does not know the number. */
  readonly readOnly?: boolean;
  /** Bits that can be written; without it all. */
  readonly mask?: bigint;
  /** Where addresses lead depends on it. */
  readonly translates?: true;
}

type Rows = readonly (readonly [number, SpecialRegister])[];

const spr = (name: keyof typeof SLOT, access: SprAccess): SpecialRegister => ({
  name,
  access,
  slot: SLOT[name],
});

/** Power ISA 2.07B Book III-S 4.4.4; the same numbers on 32-bit implementations. */
const COMMON: Rows = [
  // XER is kept in parts, and these three are never trapped.
  [1, { name: "xer", access: "user" }],
  [8, spr("lr", "user")],
  [9, spr("ctr", "user")],
  [18, spr("dsisr", "supervisor")],
  [19, spr("dar", "supervisor")],
  [22, spr("dec", "supervisor")],
  [26, spr("srr0", "supervisor")],
  [27, spr("srr1", "supervisor")],
  [268, { name: "tb", access: "user", readOnly: true }],
  [269, { name: "tbu", access: "user", readOnly: true }],
  [272, spr("sprg0", "supervisor")],
  [273, spr("sprg1", "supervisor")],
  [274, spr("sprg2", "supervisor")],
  [275, spr("sprg3", "supervisor")],
  [287, { ...spr("pvr", "supervisor"), readOnly: true }],
];

const absent = (access: SprAccess, names: Readonly<Record<number, string>>): Rows =>
  Object.entries(names).map(([number, name]) => [+number, { name, access }]);

/** BEPI, BL, Vs, Vp; BRPN, WIMG, PP (PowerPC Programming Environments Manual 2.3.3). */
const UPPER = 0xfffe_1fffn, LOWER = 0xfffe_007bn;
const batPairs: Rows = (["ibat", "dbat"] as const).flatMap((kind, which) =>
  ([0, 1, 2, 3] as const).flatMap((index): Rows => {
    const number = 528 + 8 * which + 2 * index;
    return [
      [number, { ...spr(`${kind}${index}u`, "supervisor"), mask: UPPER, translates: true }],
      [number + 1, { ...spr(`${kind}${index}l`, "supervisor"), mask: LOWER, translates: true }],
    ];
  })
);

/**
 * Those of the 603 and 750 that are not implemented: MPC603e User's Manual 2.1, PowerPC 750 User's Manual 2.1. The
 * 750FX's second four pairs of BATs (560 to 575) are among them.
 */
const ABSENT_32: Rows = [
  ...absent("user", { 256: "vrsave", 936: "ummcr0", 937: "upmc1", 938: "upmc2", 939: "usia" }),
  ...absent("user", { 940: "ummcr1", 941: "upmc3", 942: "upmc4" }),
  ...absent("supervisor", { 276: "sprg4", 277: "sprg5", 278: "sprg6", 279: "sprg7", 282: "ear" }),
  ...absent("supervisor", { 284: "tbl", 285: "tbu", 952: "mmcr0", 953: "pmc1", 954: "pmc2", 955: "sia" }),
  ...absent("supervisor", { 956: "mmcr1", 957: "pmc3", 958: "pmc4", 976: "dmiss", 977: "dcmp" }),
  ...absent("supervisor", { 978: "hash1", 979: "hash2", 980: "imiss", 981: "icmp", 982: "rpa" }),
  ...absent("supervisor", { 1008: "hid0", 1009: "hid1", 1010: "iabr", 1013: "dabr", 1016: "hid2" }),
  ...absent("supervisor", { 1017: "l2cr", 1019: "ictc", 1020: "thrm1", 1021: "thrm2", 1022: "thrm3" }),
  ...absent("supervisor", { 1023: "pir" }),
  ...Array.from(
    { length: 16 },
    (_, index) => [560 + index, { name: `bat${4 + (index >> 1 & 3)}`, access: "supervisor" }] as const,
  ),
];

/** Those of POWER7 to 9 that are not implemented: Power ISA 2.07B Book III-S, figure 18; 3.0B, figure 17. */
const ABSENT_64: Rows = [
  ...absent("user", { 3: "dscr", 13: "amr", 128: "tfhar", 129: "tfiar", 130: "texasr", 131: "texasru" }),
  ...absent("user", { 136: "ctrl", 256: "vrsave", 769: "mmcr2", 770: "mmcra", 771: "pmc1", 772: "pmc2" }),
  ...absent("user", { 773: "pmc3", 774: "pmc4", 775: "pmc5", 776: "pmc6", 779: "mmcr0", 780: "siar" }),
  ...absent("user", { 768: "sier", 781: "sdar", 782: "mmcr1", 800: "bescrs", 801: "bescrsu", 802: "bescrr" }),
  ...absent("user", { 803: "bescrru", 804: "ebbhr", 805: "ebbrr", 806: "bescr", 815: "tar", 896: "ppr" }),
  ...absent("user", { 898: "ppr32" }),
  ...absent("supervisor", { 17: "dscr", 28: "cfar", 29: "amr", 48: "pid", 61: "iamr", 144: "tidr" }),
  ...absent("supervisor", { 152: "ctrl", 153: "fscr", 157: "uamor", 159: "pspb", 176: "dpdes", 280: "asr" }),
  ...absent("supervisor", { 309: "purr", 446: "tir", 784: "sier", 785: "mmcr2", 786: "mmcra", 787: "pmc1" }),
  ...absent("supervisor", { 788: "pmc2", 789: "pmc3", 790: "pmc4", 791: "pmc5", 792: "pmc6", 795: "mmcr0" }),
  ...absent("supervisor", { 796: "siar", 797: "sdar", 798: "mmcr1", 816: "asdr", 823: "psscr", 848: "ic" }),
  ...absent("supervisor", { 849: "vtb", 855: "psscr", 1008: "hid0", 1013: "dabr", 1023: "pir" }),
];

/** What belongs to the hypervisor: a guest is never at MSR[HV]=1. */
const HYPERVISOR: Rows = [
  ...absent("hypervisor", { 25: "sdr1", 180: "dawr0", 186: "rpr", 187: "ciabr", 188: "dawrx0" }),
  ...absent("hypervisor", { 190: "hfscr", 284: "tbl", 285: "tbu", 286: "tbu40", 304: "hsprg0" }),
  ...absent("hypervisor", { 305: "hsprg1", 306: "hdsisr", 307: "hdar", 308: "spurr", 310: "hdec" }),
  ...absent("hypervisor", { 313: "hrmor", 314: "hsrr0", 315: "hsrr1", 318: "lpcr", 319: "lpidr" }),
  ...absent("hypervisor", { 336: "hmer", 337: "hmeer", 338: "pcr", 339: "heir", 349: "amor", 464: "ptcr" }),
];

/** Every register of the processor in a mode, by number. */
export const SPECIAL_REGISTERS: Readonly<Record<PpcMode, ReadonlyMap<number, SpecialRegister>>> = {
  32: new Map([
    ...COMMON,
    [25, { ...spr("sdr1", "supervisor"), mask: 0xffff_01ffn, translates: true }],
    ...batPairs,
    ...ABSENT_32,
  ]),
  64: new Map([
    ...COMMON,
    [259, { ...spr("sprg3", "user"), readOnly: true }],
    ...ABSENT_64,
    ...HYPERVISOR,
  ]),
};
