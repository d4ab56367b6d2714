/** 500 cells of a few milliseconds: what they answer depends on their values, their index and their seed. */
export const title = "a toy";
export const parameters = {
  shape: ["round", "square"],
  size: [1, 8, 64, 512, 4096],
  step: Array.from({ length: 50 }, (_, i) => i),
};

interface Values {
  readonly shape: string;
  readonly size: number;
  readonly step: number;
}

interface Context {
  readonly index: number;
  readonly seed: number;
  random(): number;
  infeasible(reason: string): never;
  note(line: string): void;
}

export default async function cell({ shape, size, step }: Values, context: Context) {
  await new Promise((done) => setTimeout(done, context.seed % 4));
  if (shape === "square" && size === 8) context.infeasible(`no square of ${size}`);
  if (step === 13 && size === 1) throw new TypeError(`step ${step}, "quoted", with a comma`);
  context.note(`figures of ${shape}`);
  return {
    area: size * step,
    seed: context.seed,
    random: context.random(),
    ...(step % 2 === 1 && { odd: true }),
  };
}
