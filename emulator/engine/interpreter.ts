/**
 * The interpreter of one ISA for one vCPU, made of what its code uses: forms are compiled when they are first met, a few at
 * a time, and together once much was executed that goes from the few to the others and back. So an ISA is ready at once,
 * and V8 optimises a small function in some 10 ms where it takes half a second for all forms.
 */
import { STATE } from "../ir/layout.ts";
import type { Form, Isa } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";
import { isPair, type Sequence } from "./form_steps.ts";
import { type EngineHost, hostImports } from "./host.ts";
import { HANDLER, interpreterBytes, LEFT } from "./interpreter_module.ts";
import { RECORD, recordBytes, STRUCK } from "./record.ts";
import type { CpuState } from "./state.ts";

type Run = (record: number, left: number, hash: number) => number;

/** Handlers of some forms, by their numbers: one WebAssembly function. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly module: WebAssembly.Module;
}

/**
 * Times that execution goes on in another part, for each form of all, before the parts are made one: a form takes some
 * 25 us to be compiled, to go on in another part takes 0.1 us.
 */
const MOVES_PER_FORM = 250;

/** Pairs of forms, some ten times what a program has: a guest cannot make the interpreter larger and larger. */
const MOST_PAIRS = 512;

/** What all interpreters of an ISA share: what any of them has met, and the code of their handlers. */
class Handlers {
  readonly #isa: Isa;
  readonly #handlers: Sequence[] = [];
  readonly #numbers = new Map<Form, number>();
  /** Undefined for two forms that are no pair. */
  readonly #pairs = new Map<Form, Map<Form, number | undefined>>();
  /** By the place of the vCPU's state area; each handler is in one part. */
  readonly #parts = new Map<number, Part[]>();

  constructor(isa: Isa) {
    this.#isa = isa;
  }

  get count(): number {
    return this.#handlers.length;
  }

  /** The number of a form's handler. */
  numberOf(form: Form): number {
    let number = this.#numbers.get(form);
    if (number !== undefined) return number;
    if (!this.#isa.forms.includes(form)) {
      throw new TypeError(`form "${form.name}" is not among those of ${this.#isa.name}`);
    }
    this.#numbers.set(form, number = this.#add([form]));
    return number;
  }

  /** Bytes of the first record that a handler executes. */
  bytesOf(number: number): number {
    return recordBytes(this.#handlers[number - HANDLER.forms][0].fields);
  }

  /** The number of the handler that executes both forms, if there is to be one. */
  pairOf(first: Form, second: Form): number | undefined {
    let pairs = this.#pairs.get(first);
    if (!pairs) this.#pairs.set(first, pairs = new Map());
    if (!pairs.has(second)) {
      const isWorthIt = this.count - this.#numbers.size < MOST_PAIRS && isPair(this.#isa, first, second);
      pairs.set(second, isWorthIt ? this.#add([first, second]) : undefined);
    }
    return pairs.get(second);
  }

  #add(forms: Sequence): number {
    return HANDLER.forms + this.#handlers.push(forms) - 1;
  }

  /** The part with a handler; if there is none, a new one with all that are in none. */
  partWith(number: number, cpu: number): Part {
    let parts = this.#parts.get(cpu);
    if (!parts) this.#parts.set(cpu, parts = []);
    const known = parts.find(({ to }) => number < to);
    if (known) return known;
    const part = this.#compile(parts.at(-1)?.to ?? HANDLER.forms, cpu);
    parts.push(part);
    return part;
  }

  /** One part with all handlers. */
  whole(cpu: number): Part {
    const parts = this.#parts.get(cpu);
    if (parts?.length === 1 && parts[0].to === HANDLER.forms + this.count) return parts[0];
    const part = this.#compile(HANDLER.forms, cpu);
    this.#parts.set(cpu, [part]);
    return part;
  }

  #compile(from: number, cpu: number): Part {
    const handlers = this.#handlers.slice(from - HANDLER.forms);
    const module = new WebAssembly.Module(interpreterBytes({ isa: this.#isa, cpu, handlers, from }));
    return { from, to: from + handlers.length, module };
  }
}

const handlers = new WeakMap<Isa, Handlers>();

/** The handlers of an ISA. */
export function handlersOf(isa: Isa): Pick<Handlers, "numberOf" | "pairOf" | "bytesOf"> {
  return sharedOf(isa);
}

function sharedOf(isa: Isa): Handlers {
  let known = handlers.get(isa);
  if (!known) handlers.set(isa, known = new Handlers(isa));
  return known;
}

export class Interpreter {
  readonly #handlers: Handlers;
  readonly #arena: Arena;
  readonly #state: CpuState;
  readonly #imports: WebAssembly.Imports;
  readonly #instances = new Map<Part, Run>();
  /** By handler: the function to call for it. */
  #runs: (Run | undefined)[] = [];
  #moves = 0;

  constructor(isa: Isa, { arena, state, host }: { arena: Arena; state: CpuState; host: EngineHost }) {
    this.#handlers = sharedOf(isa);
    this.#arena = arena;
    this.#state = state;
    this.#imports = {
      env: { memory: arena.memory },
      host: hostImports(host),
    };
  }

  /** Executes from a record on, whose block is paid for, and answers why it left. */
  run(record: number, left: number, hash: number): number {
    const state = this.#state;
    for (;;) {
      const number = this.#arena.view.getUint16(record + RECORD.handler, true) & ~STRUCK;
      const run = this.#runs[number] ?? this.#runFor(number);
      const status = run(record, left, hash);
      if (status !== LEFT.elsewhere) return status;
      record = state.get32(STATE.record);
      left = state.get32(STATE.left);
      if (++this.#moves >= MOVES_PER_FORM * this.#handlers.count) {
        this.#moves = 0;
        this.#use(this.#handlers.whole(state.base));
      }
    }
  }

  #runFor(number: number): Run {
    return this.#use(this.#handlers.partWith(number, this.#state.base));
  }

  #use(part: Part): Run {
    let run = this.#instances.get(part);
    if (!run) {
      run = new WebAssembly.Instance(part.module, this.#imports).exports.run as Run;
      this.#instances.set(part, run);
    }
    for (let number = part.from; number < part.to; number++) this.#runs[number] = run;
    return run;
  }
}
