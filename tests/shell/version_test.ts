import { assertEquals } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import { VERSION } from "../../shell/version.ts";

Deno.test("VERSION is what deno.json says", () => assertEquals(VERSION, project.version));
