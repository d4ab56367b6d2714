import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { loadProfile } from "../../../../emulator/exits/profiles/profiles.ts";
import { ledgerData, scriptJson } from "../../../../shell/reports/html/ledger_data.ts";
import { reportHtml } from "../../../../shell/reports/html/report.ts";
import { runFacts } from "../../../../shell/reports/run_facts.ts";
import { sampleRun } from "../run.ts";

const EVIL = `</script><img src=x onerror="alert(1)">\u202e`;

Deno.test("reportHtml() names profile, machine, versions and the run's hash", async () => {
  const vm = await sampleRun(), html = reportHtml(vm), { hash, versions } = runFacts(vm);
  const texts = [
    hash,
    versions.trapsh,
    versions.deno,
    "x86, 64-bit, little-endian",
    "vmx: KVM on Intel VT-x",
  ];
  texts.push("x86-default", "16 MiB", "2,400,000,000 cycles a second (assumed)", "0x1060:POUT echo");
  for (const text of texts) assertStringIncludes(html, text);
  assertStringIncludes(html, '<span class="badge calibrated">calibrated</span>');
  assertStringIncludes(html, "Michael S. Tsirkin");
});

Deno.test("reportHtml() loads nothing, and its policy is of just its own style and script", async () => {
  const html = reportHtml(await sampleRun());
  assertEquals(
    [...html.matchAll(/\s(?:src|href|action)="([^"]*)"/g)].filter(([, to]) => !to.startsWith("#")),
    [],
  );
  assert(!/@import|url\(|\sstyle="|\son\w+="/.test(html.replaceAll(/<script[^]*?<\/script>/g, "")));
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)![1];
  const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  const style = /<style>([^]*?)<\/style>/.exec(html)![1];
  const script = /<script>([^]*?)<\/script>/.exec(html)![1];
  assertEquals(policy.includes(hash(style)) && policy.includes(hash(script)), true);
  assertStringIncludes(policy, "default-src 'none'");
});

Deno.test("reportHtml() shows symbols as text, whatever they are called", async () => {
  const html = reportHtml(await sampleRun({ symbol: EVIL }), { title: EVIL });
  assertEquals(html.match(/<\/script>/g)?.length, 2);
  assert(!html.includes("<img"));
  assert(!html.includes("\u202e"));
  assertStringIncludes(html, "&lt;/script&gt;&lt;img src=x");
});

Deno.test("reportHtml() of exits that are priced again says so", async () => {
  const vm = await sampleRun();
  const html = reportHtml(vm, { ledger: vm.exits.reprice(loadProfile("pci-testdev")) });
  assertStringIncludes(html, "Priced again: these exits were charged under profile x86-default");
});

Deno.test("ledgerData() is small where rows repeat, and scriptJson() ends no element", async () => {
  const vm = await sampleRun(), { kinds, rows } = ledgerData(vm.exits);
  assertEquals([rows.length, vm.exits.rows.length], [4 * 16, 16]);
  assert(kinds.length < 10);
  assertEquals(
    scriptJson(["</script>", "<!--", "a&b"]),
    '["\\u003c/script\\u003e","\\u003c!--","a\\u0026b"]',
  );
  assertEquals(JSON.parse(scriptJson(EVIL)), EVIL);
});
