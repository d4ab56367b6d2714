/** From effective to physical addresses on 32-bit processors: blocks first, then segments and pages. */
import { MSR, SLOT } from "../../ppc/state.ts";
import type { MappingList, PageMapping, PageWalk, WalkQuestion } from "../debug/page_walk.ts";
import { REACH, type Reach, type Translation } from "../processor.ts";
import type { Vcpu } from "../vcpu.ts";
import { blockOf } from "./bats.ts";
import { explain32, mappings32 } from "./explain.ts";
import { lookForPage, pageOf } from "./hashed_pages_32.ts";

/**
 * DSISR of a data storage interrupt and SRR1 of an instruction storage interrupt: no translation, protection, a store,
 * and a fetch from where none may be (PowerPC Programming Environments Manual 6.4.3 and 6.4.4).
 */
export const STORAGE = {
  noPage: 0x4000_0000,
  protected: 0x0800_0000,
  store: 0x0200_0000,
  noFetch: 0x1000_0000,
} as const;

/** Why the last translation failed. */
export type TranslationFailure =
  | { readonly reach: Reach; readonly address: number; readonly bits: number }
  | { readonly missing: string };

const PROBLEM = Number(MSR.PR), FETCHES = Number(MSR.IR), ACCESSES = Number(MSR.DR);

export class Translation32 implements Translation {
  #storable = false;
  #failure: TranslationFailure | undefined;
  readonly #vcpu: Vcpu;

  constructor(vcpu: Vcpu) {
    this.#vcpu = vcpu;
  }

  get storable(): boolean {
    return this.#storable;
  }
  get failure(): TranslationFailure | undefined {
    return this.#failure;
  }

  active(reach: Reach): boolean {
    return (this.#vcpu.state.get32(SLOT.msr) & (reach === REACH.fetch ? FETCHES : ACCESSES)) !== 0;
  }

  get maps(): boolean {
    return this.active(REACH.fetch) || this.active(REACH.load);
  }

  translate(low: number, _high: number, reach: Reach): number {
    const vcpu = this.#vcpu, address = low >>> 0;
    if (!this.active(reach)) {
      this.#storable = true;
      return address;
    }
    const problem = (vcpu.state.get32(SLOT.msr) & PROBLEM) !== 0;
    const block = blockOf(vcpu.state, address, reach, problem);
    if (block) {
      const { physical, readable, writable } = block;
      if (!readable || reach === REACH.store && !writable) return this.#fail(address, reach, "protected");
      this.#storable = writable;
      return physical;
    }
    const page = pageOf(vcpu, address, reach, problem);
    if ("missing" in page) {
      this.#failure = page;
      return -1;
    }
    if ("why" in page) return this.#fail(address, reach, page.why);
    this.#storable = page.storable;
    return page.physical;
  }

  look(low: number, _high: number, reach: Reach = REACH.load): number {
    const vcpu = this.#vcpu, address = low >>> 0;
    if (!this.active(reach)) return address;
    const block = blockOf(vcpu.state, address, reach, false) ?? blockOf(vcpu.state, address, reach, true);
    if (block) return block.physical;
    const page = lookForPage(vcpu, address);
    return page ?? -1;
  }

  explain(address: bigint, question: WalkQuestion): PageWalk {
    return explain32(this.#vcpu, address, question);
  }
  mappings(most: number): MappingList {
    const mappings: PageMapping[] = [];
    for (const one of mappings32(this.#vcpu)) {
      if (mappings.length === most) return { mappings, complete: false };
      mappings.push(one);
    }
    return { mappings, complete: true };
  }

  #fail(address: number, reach: Reach, why: keyof typeof STORAGE): number {
    this.#failure = { reach, address, bits: STORAGE[why] | (reach === REACH.store ? STORAGE.store : 0) };
    return -1;
  }
}
