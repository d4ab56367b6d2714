import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LESSONS } from "../../../shell/tutorial/lessons.ts";
import { startSession, type Transcript } from "../commands/session.ts";

Deno.test("the tutorial has eight lessons, each of which fits a terminal", () => {
  assertEquals(LESSONS.length, 8);
  for (const { story, moral, lines, question } of LESSONS) {
    const text = `${story}\n${moral}\n${question}`.split("\n");
    assert(text.every((line) => line.length <= 120), text.find((line) => line.length > 120));
    assert(text.length + lines.length <= 24, question);
  }
});

LESSONS.forEach((lesson, i) => {
  Deno.test(`lesson ${i + 1}: what its lines measure is its answer, and other figures are not`, async () => {
    const { session, type } = startSession();
    try {
      assertStringIncludes(await type(`tutorial ${i + 1}`), lesson.question);
      for (const line of lesson.lines) {
        const text = await type(line);
        assert(!text.includes("error:"), `${line}\n${text}`);
      }
      const measured = lesson.answer(session);
      assert(Number.isInteger(measured) && measured > 0, `${measured}`);
      for (const { figure, says } of lesson.near) {
        assert(figure(session) !== measured, says);
        assertStringIncludes(await type(`answer ${figure(session)}`), says);
      }
      assertStringIncludes(
        await type("answer 999999999"),
        "Not yet: the lines of the lesson give another figure",
      );
      // The lines' figure, read from what they print.
      assertStringIncludes(await type(`answer ${measured}`), "Right.");
      const next = await type("tutorial");
      assertStringIncludes(next, `Lesson ${Math.min(i + 2, 8)} of 8`);
    } finally {
      session.close();
    }
  });
});

Deno.test("the lessons one after the other in one session, from the first to the last", async () => {
  const { session, type } = startSession();
  try {
    for (const lesson of LESSONS) {
      assertStringIncludes(await type("tutorial"), lesson.title);
      for (const line of lesson.lines) assert(!(await type(line)).includes("error:"), line);
      const said = await type(`answer ${await answerOf(lesson)}`);
      assertStringIncludes(said.replaceAll(/\s+/g, " "), lesson.moral.replaceAll(/\s+/g, " "));
      if (lesson === LESSONS.at(-1)) assertStringIncludes(said, "That was the last lesson");
    }
  } finally {
    session.close();
  }
});

async function answerOf(lesson: (typeof LESSONS)[number]): Promise<number> {
  const { session } = startSession();
  for (const line of lesson.lines) await session.execute(line);
  const measured = lesson.answer(session);
  session.close();
  return measured;
}

/** The figures as somebody would read them off the screen. */
const READ: readonly (readonly [lesson: number, printed: RegExp])[] = [
  [1, /IO_INSTRUCTION +1 .* (\d+)\.00 +1\n/],
  [2, /MMIO .* (\d+) decode/],
  [3, /^(\d+) exits, /m],
  [4, /^(\d+) exits?, /m],
  [6, /^(\d+) exits, /m],
  [7, /^(\d+) exits?, /m],
];

for (const [number, printed] of READ) {
  Deno.test(`lesson ${number}: the answer stands on the screen`, async () => {
    const shell: Transcript = startSession();
    try {
      await shell.type(`tutorial ${number}`);
      const screen = await shell.typeAll(LESSONS[number - 1].lines);
      const read = printed.exec(screen);
      assert(read, screen);
      assertStringIncludes(await shell.type(`answer ${read[1]}`), "Right.");
    } finally {
      shell.session.close();
    }
  });
}

Deno.test("tutorial: a lesson that there is none of, and an answer that is no number", async () => {
  const { session, type } = startSession();
  try {
    assertStringIncludes(await type("tutorial 9"), "lesson 9 is not between 1 and 8");
    assertStringIncludes(await type("answer many"), "error:");
    assertEquals(session.journal.lines, []);
  } finally {
    session.close();
  }
});
