import assert from "node:assert/strict";
import { test } from "node:test";
import { Definitions } from "../src/definitions";
import type { Tasks } from "../src/told";

function tasks(id: string): Tasks {
  return { kind: "vscode_tasks", v: 1, tasks: [], inputs: [{ id, type: "promptString", description: "d" }] };
}

test("inputs are heard of as soon as a glmcode answers, once, and again after another one was set", async () => {
  const answers: (Tasks | Error)[] = [new Error("could not be started"), tasks("one"), tasks("two")];
  const heard: string[] = [];
  const read = (): Promise<Tasks> => {
    const next = answers.shift()!;
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  const definitions = new Definitions(read, (told) => heard.push(told.inputs[0]!.id));
  await assert.rejects(definitions.all(), /could not be started/);
  assert.deepEqual(heard, []);
  await definitions.all();
  await definitions.all();
  assert.deepEqual(heard, ["one"]);
  definitions.forget();
  await definitions.all();
  assert.deepEqual(heard, ["one", "two"]);
});

test("an answer of the glmcode that was set before is not heard", async () => {
  const resolves: ((told: Tasks) => void)[] = [];
  const heard: string[] = [];
  const definitions = new Definitions(() => new Promise((resolve) => resolves.push(resolve)), (told) => heard.push(told.inputs[0]!.id));
  const before = definitions.all();
  definitions.forget();
  const after = definitions.all();
  resolves[1]!(tasks("new"));
  resolves[0]!(tasks("old"));
  await Promise.all([before, after]);
  assert.deepEqual(heard, ["new"]);
});
