import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { tabulateTimeline } from "../../../../emulator/exits/timeline.ts";
import { exitsSvg, timelineSvg } from "../../../../shell/reports/svg/picture.ts";
import { unclosed } from "../../../support/markup.ts";
import { sampleRun } from "../run.ts";

Deno.test("exitsSvg() is well-formed, whatever symbols are called, and names run and figures", async () => {
  const svg = exitsSvg(await sampleRun({ symbol: `</title><script>alert("1")</script>&` }));
  assertEquals(unclosed(svg), []);
  assert(!svg.includes("<script"));
  assert(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"'));
  for (
    const text of [
      "x86 64-bit le on vmx as kvm, 16 MiB, 1 vCPU",
      "IO_INSTRUCTION",
      "prefers-color-scheme:dark",
    ]
  ) {
    assertStringIncludes(svg, text);
  }
  assertStringIncludes(svg, "figures: world switch calibrated");
});

Deno.test("timelineSvg() of symbols escapes them", async () => {
  const vm = await sampleRun({ symbol: `<b>"&` });
  const svg = timelineSvg(tabulateTimeline(vm.exits, { by: "pc" }));
  assertEquals(unclosed(svg), []);
  assertStringIncludes(svg, "&lt;b&gt;&quot;&amp;");
});
