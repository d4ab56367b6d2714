/** Cells that go wrong, each in its own way. */
import { defineSweep } from "trapsh";

export default defineSweep({
  parameters: {
    way: ["fine", "throw", "reject", "lost", "exit", "memory", "bigint", "column", "never", "fine again"],
  },
  async cell({ way }) {
    switch (way) {
      case "throw":
        throw new RangeError("thrown");
      case "reject":
        return await Promise.reject("a text");
      case "lost":
        setTimeout(() => {
          throw new Error("nobody awaits this");
        });
        return await new Promise<never>(() => {});
      case "exit":
        Deno.exit(3);
        return {};
      case "memory":
        for (const kept: number[][] = [];;) kept.push(new Array(100_000).fill(kept.length + 0.5));
      case "bigint":
        return { cycles: 5n as unknown as number };
      case "column":
        return { way: 1 };
      case "never":
        return await new Promise<never>(() => {});
      default:
        return { good: -0 };
    }
  },
});
