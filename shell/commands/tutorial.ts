/** `tutorial`, `answer`: the argument of 2009 in eight lessons. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import { reflow } from "../reflow.ts";
import type { Session } from "../session.ts";
import type { Style } from "../style.ts";
import type { Verdict } from "../tutorial/course.ts";
import type { Lesson } from "../tutorial/lesson.ts";
import { maybeWord, word } from "./support/grammar.ts";
import { numberOf } from "./support/numbers.ts";

/** A lesson as it is shown. */
type LessonData = Pick<Lesson, "title" | "story" | "lines" | "question"> & {
  readonly number: number;
  readonly of: number;
  /** Lessons that were answered right, by number. */
  readonly passed: readonly number[];
};

/** Prose that is read well, on a narrow terminal too. */
const filled = (text: string, style: Style) => reflow(text, Math.min(style.width, 80));

async function lessonAt(session: Session): Promise<LessonData> {
  const [{ LESSONS }, { progressOf }] = await Promise.all([
    import("../tutorial/lessons.ts"),
    import("../tutorial/course.ts"),
  ]);
  const { lesson, passed } = progressOf(session);
  const { title, story, lines, question } = LESSONS[lesson];
  const numbers = [...passed].map((it) => it + 1).sort();
  return { number: lesson + 1, of: LESSONS.length, passed: numbers, title, story, lines, question };
}

function printLesson({ number, of, title, story, lines, question }: LessonData, style: Style): string {
  return [
    style.paint("bold", `Lesson ${number} of ${of}: ${title}`),
    "",
    filled(story, style),
    "",
    ...lines.map((line) => `    ${style.paint("cyan", line)}`),
    "",
    `${style.paint("bold", question)} Type: answer N`,
  ].join("\n");
}

export const tutorial = defineCommand({
  name: "tutorial",
  group: "shell",
  summary: "learn by measuring: the argument of 2009 in eight lessons",
  description:
    `tutorial shows the lesson at hand, tutorial N another one. A lesson has lines to type and a question; "answer N"
checks what you measured against the same lines on a machine of their own, and goes on to the next lesson.`,
  grammar: object({ lesson: maybeWord("N") }),
  transient: true,
  examples: [{ line: "tutorial", shows: "Lesson 1 of 8" }, { line: "tutorial 8", shows: "Lesson 8 of 8" }],
  async run(session, { lesson }): Promise<LessonData> {
    const { LESSONS } = await import("../tutorial/lessons.ts");
    const { progressOf } = await import("../tutorial/course.ts");
    if (lesson !== undefined) {
      progressOf(session).lesson = numberOf(session, lesson, "lesson", 1, LESSONS.length) - 1;
    }
    return await lessonAt(session);
  },
  print: printLesson,
});

export const answer = defineCommand({
  name: "answer",
  group: "shell",
  summary: "answer the question of the tutorial's lesson",
  description:
    `A number, or an expression in which _ and registers may stand. A right one leads to the next lesson.`,
  grammar: object({ value: word("N") }),
  transient: true,
  examples: [{ line: "answer 5287", after: ["tutorial 1"], shows: "Right" }],
  async run(session, { value }): Promise<Verdict> {
    const { checkAnswer } = await import("../tutorial/course.ts");
    return await checkAnswer(session, numberOf(session, value, "the answer", 0));
  },
  print: (verdict, style) => {
    if (!verdict.right) {
      return `${style.paint("yellow", "Not yet:")} ${verdict.hint}. "tutorial" shows the lesson.`;
    }
    const on = verdict.next === undefined
      ? "That was the last lesson."
      : `"tutorial" shows lesson ${verdict.next}.`;
    return `${filled(`${style.paint("green", "Right.")} ${verdict.lesson.moral}`, style)}\n\n${on}`;
  },
});
