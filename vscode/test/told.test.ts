import assert from "node:assert/strict";
import { test } from "node:test";
import { type Spec, type State, choices, failuresIn, fileWords, parsed, refuseWords, sideOf, statusText, wordsOf } from "../src/told";

const SPEC: Spec = {
  id: "fix-issue",
  panel: "run",
  task: {
    label: "glmcode: Fix issue...",
    detail: "d",
    args: ["fix", "--approval", "${input:glmcode.approval}", "--", "${input:glmcode.issue}"],
    presentation: {},
  },
};
const STATE: State = {
  kind: "vscode_state", v: 1, root: "/repo", session: "s", running: false, model: "glm-4.6", context_tokens: 12_340, cached_tokens: 9_872,
  cost_usd: 0.0204, status: "done", verdict: "verified", applied: true, files_changed: [],
  problems: [
    { path: "a.py", line: 2, severity: "error", message: "m", rule: "failing-test" },
    { path: "a.py", line: 3, severity: "warning", message: "m", rule: "finding" },
    { path: "b.py", line: 2, severity: "error", message: "m", rule: "failing-test" },
  ],
};

test("inputs become commands, and further flags follow the command word", () => {
  assert.deepEqual(wordsOf(SPEC, ["--engine", "sglang"]), [
    "fix", "--engine", "sglang", "--approval", "${command:glmcode.approval}", "--", "${command:glmcode.issue}",
  ]);
  assert.deepEqual(wordsOf({ ...SPEC, task: { ...SPEC.task, args: [] } }), []);
});

test("the status says how the last run ended, else that one runs", () => {
  assert.equal(statusText(STATE, undefined), "$(sparkle) glmcode · 12.3K context · 80% cached · $0.020 · verified");
  const running = { ...STATE, running: true, cost_usd: null };
  assert.equal(statusText(running, { state: "ready" }), "$(sync~spin) glmcode · engine ready · 12.3K context · 80% cached");
  assert.equal(statusText({ ...STATE, verdict: "none", status: "cancelled", cost_usd: 12.5 }, { state: "stopped" }),
    "$(sparkle) glmcode · 12.3K context · 80% cached · $12.50 · cancelled");
  assert.equal(statusText(undefined, undefined), "$(sparkle) glmcode");
});

test("an answer of another kind or version is refused", () => {
  assert.equal(parsed<State>(JSON.stringify(STATE), "vscode_state").session, "s");
  assert.throws(() => parsed<State>('{"kind": "vscode_state", "v": 2}', "vscode_state"), /update one of the two/);
  assert.throws(() => parsed<State>("glmcode: error", "vscode_state"));
});

test("only tests that fail in the file itself have a line above them", () => {
  assert.deepEqual(failuresIn(STATE, "/repo/a.py").map((problem) => problem.line), [2]);
  assert.deepEqual(failuresIn(STATE, "/repo/packages/a.py"), []);
  assert.deepEqual(failuresIn(STATE, "/other/a.py"), []);
  assert.deepEqual(failuresIn(undefined, "/repo/a.py"), []);
});

test("what is in the user's files is kept or restored, what waits is applied or dropped", () => {
  assert.deepEqual(choices(true), { accept: "keep", refuse: "restore" });
  assert.deepEqual(choices(false), { accept: "apply", refuse: "drop" });
});

test("a side is empty only where the file was not there; what cannot be read is an error", () => {
  const ended = (code: number, stdout = "", stderr = ""): Parameters<typeof sideOf>[0] => ({ code, stdout: Buffer.from(stdout), stderr });
  assert.equal(sideOf(ended(0, "é\n")), "é\n");
  assert.equal(sideOf(ended(4)), "");
  assert.throws(() => sideOf(ended(2, "", "glmcode: no session s")), /no session s/);
  assert.throws(() => sideOf(ended(1)), /ended with 1/);
});

test("a file whose name looks like a flag is named as a file", () => {
  assert.deepEqual(fileWords("s", "end", "--x"), ["vscode", "file", "--session", "s", "--", "end", "--x"]);
  assert.equal(refuseWords("s", "--x").at(-1), "--only=--x");
});
