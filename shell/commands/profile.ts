/** `profile`: what exits are priced by. */
import { object } from "@optique/core/constructs";
import { UserError } from "../errors.ts";
import { defineCommand } from "../command.ts";
import { type ProfileData, profileData, profileLines } from "../reports/profile_table.ts";
import { fileNames } from "./support/files.ts";
import { maybeWord } from "./support/grammar.ts";
import { findProfile, namesOfProfiles } from "./support/profiles.ts";

export const profile = defineCommand({
  name: "profile",
  group: "exits",
  summary: "show or choose the cost profile, each figure with its provenance",
  description:
    `profile alone shows the profile in use; profile NAME, or FILE.json, charges exits by another one of the same
architecture from here on. Exits that the ledger holds were charged under the old one: "exits reset" forgets
them, and "info exits under NAME" shows what they would cost under another profile.`,
  grammar: object({ name: maybeWord("NAME") }),
  examples: [
    { line: "profile", after: ["arch x86"], shows: "provenance" },
    { line: "profile tsirkin-2013", after: ["arch x86"], shows: "published" },
  ],
  complete: async (session, typed) => [
    ...await namesOfProfiles(session.settings.arch),
    ...await fileNames(typed.at(-1) ?? ""),
  ],
  async run(session, { name }): Promise<ProfileData & { readonly others: readonly string[] }> {
    const { vm } = session;
    const names = await namesOfProfiles(vm.arch);
    if (name !== undefined) {
      const found = await findProfile(name);
      if (found.arch !== vm.arch) {
        throw new TypeError(
          `profile ${found.name} is for ${found.arch} and this guest is ${vm.arch}; there are ${
            names.join(", ")
          }`,
        );
      }
      if (vm.exits.count > 0 && found.name !== vm.profile.name) {
        throw new UserError(
          `The ledger holds ${vm.exits.count} exits charged under ${vm.profile.name}: ` +
            `"exits reset" first, or see them by "info exits under ${name}"`,
        );
      }
      if (vm.exits.count === 0) {
        vm.profile = found;
        session.configure({ profile: found });
      }
    }
    return { ...profileData(vm.profile), others: names.filter((other) => other !== vm.profile.name) };
  },
  print: (data) => [...profileLines(data), "", `others: ${data.others.join(", ")}`].join("\n"),
});
