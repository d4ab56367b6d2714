/** `if EXPR` behind a breakpoint, a watchpoint or a catchpoint. */
import { parseExpression } from "../../expression.ts";
import type { StopCondition } from "../../machine_types.ts";
import { namesOf } from "../../names.ts";
import type { Session } from "../../session.ts";

/** A condition that holds where the expression is not 0. Throws `SyntaxError`, or `ReferenceError` for an unknown name. */
export function conditionOf(session: Session, text: string): StopCondition {
  const expression = parseExpression(text);
  try {
    expression(namesOf(session));
  } catch (error) {
    // Memory may be there by then, a divisor may not be 0 by then; a name that is unknown is mistyped.
    if (error instanceof ReferenceError) throw error;
  }
  return { text, holds: (vcpu) => expression(namesOf(session, vcpu)) !== 0n };
}

/** The words before `if`, and the text behind it. */
export function splitCondition(words: readonly string[]): { before: readonly string[]; text?: string } {
  const at = words.indexOf("if");
  if (at < 0) return { before: words };
  const text = words.slice(at + 1).join(" ");
  if (text === "") {
    throw new SyntaxError('"if" wants an expression behind it (example: break f if $rax == 5)');
  }
  return { before: words.slice(0, at), text };
}
