/** Cost profiles by name or file. The emulator's profiles are loaded when one is asked for, not at the start. */
import type { CostProfile } from "../../../emulator/exits/profile.ts";
import type { LedgerView } from "../../../emulator/exits/ledger_view.ts";
import { UserError } from "../../errors.ts";
import type { Session } from "../../session.ts";

/** @throws {UserError} for a file that cannot be read or is no profile; `RangeError` for an unknown name. */
export async function findProfile(nameOrFile: string): Promise<CostProfile> {
  if (!/[/\\]|\.json$/i.test(nameOrFile)) {
    const { loadProfile } = await import("../../../emulator/exits/profiles/profiles.ts");
    return loadProfile(nameOrFile);
  }
  const { parseProfile } = await import("../../../emulator/exits/profile_check.ts");
  let text: string;
  try {
    text = await Deno.readTextFile(nameOrFile);
  } catch (error) {
    throw new UserError(
      `Profile ${nameOrFile} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
  return parseProfile(text, nameOrFile);
}

/** Names of the profiles that come with the project. */
export async function namesOfProfiles(arch?: "x86" | "ppc"): Promise<string[]> {
  const { profileNames } = await import("../../../emulator/exits/profiles/profiles.ts");
  return profileNames(arch);
}

/** The session's ledger, or its exits priced again: what `under PROFILE` asks for. */
export async function ledgerUnder(session: Session, nameOrFile: string | undefined): Promise<LedgerView> {
  const { exits } = session;
  return nameOrFile === undefined ? exits : exits.reprice(await findProfile(nameOrFile));
}
