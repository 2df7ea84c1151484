// What glmcode tells as JSON, and texts made of it. Knows nothing of VS Code, so that it is tested without one.

import { join } from "node:path";

/** One task of `glmcode vscode tasks`, as tasks.json would hold it. */
export interface Spec {
  id: string;
  panel: "run" | "text" | "session" | "engine";
  task: {
    label: string;
    detail: string;
    args: string[];
    options?: { env?: Record<string, string> };
    group?: string;
    isBackground?: boolean;
    presentation: { focus?: boolean };
  };
}

/** One input of `glmcode vscode tasks`. */
export interface Input {
  id: string;
  type: "promptString" | "pickString";
  description: string;
  options?: { label: string; value: string }[];
}

export interface Tasks {
  kind: "vscode_tasks";
  v: 1;
  tasks: Spec[];
  inputs: Input[];
}

export interface Problem {
  path: string;
  line: number;
  severity: "error" | "warning" | "note";
  message: string;
  rule: string;
}

/** `glmcode vscode state`. */
export interface State {
  kind: "vscode_state";
  v: 1;
  /** The folder of the repository, which the paths are relative to. */
  root: string;
  session: string | null;
  running: boolean;
  model: string;
  context_tokens: number | null;
  cached_tokens: number | null;
  cost_usd: number | null;
  status: string | null;
  verdict: string | null;
  applied: boolean;
  files_changed: string[];
  problems: Problem[];
}

/** What of `glmcode engine status --json` is shown. */
export interface Engine {
  state: string;
  model?: string | null;
  cache_hit_rate?: number | null;
}

/** `glmcode session diff --json`. */
export interface Diff {
  session: string;
  files: { path: string; status: string; added: number | null; removed: number | null }[];
}

/** JSON of a kind and version that this extension knows; throws for others. */
export function parsed<T extends { kind: string; v: number }>(text: string, kind: T["kind"]): T {
  const value = JSON.parse(text) as T;
  if (value.kind !== kind || value.v !== 1) {
    throw new Error(`glmcode answered with ${value.kind} ${value.v} instead of ${kind} 1: update one of the two`);
  }
  return value;
}

/** The words of a task, with further flags, and with `${input:x}` asked for by the command `x`. */
export function wordsOf(spec: Spec, more: readonly string[] = []): string[] {
  const [command, ...rest] = spec.task.args;
  const words = command === undefined ? [...more] : [command, ...more, ...rest];
  return words.map((word) => word.replace(/\$\{input:([\w.]+)\}/g, "${command:$1}"));
}

/** The status bar: what runs, how much of the window it fills, what of it was cached, what it cost. */
export function statusText(state: State | undefined, engine: Engine | undefined): string {
  const parts = [state?.running ? "$(sync~spin) glmcode" : "$(sparkle) glmcode"];
  if (engine && engine.state !== "stopped" && engine.state !== "none") {
    parts.push(`engine ${engine.state}`);
  }
  if (state?.context_tokens) {
    parts.push(`${short(state.context_tokens)} context`);
    parts.push(`${Math.round((100 * (state.cached_tokens ?? 0)) / state.context_tokens)}% cached`);
  }
  if (state?.cost_usd != null) {
    parts.push(`$${state.cost_usd.toFixed(state.cost_usd < 1 ? 3 : 2)}`);
  }
  if (state && !state.running && state.status) {
    parts.push(state.verdict && state.verdict !== "none" ? state.verdict : state.status);
  }
  return parts.join(" · ");
}

function short(tokens: number): string {
  return tokens < 1000 ? `${tokens}` : tokens < 100_000 ? `${(tokens / 1000).toFixed(1)}K` : `${Math.round(tokens / 1000)}K`;
}

/** Which of the two files of a patch may be changed: by what is already in the user's files. */
export function choices(applied: boolean): { accept: "apply" | "keep"; refuse: "restore" | "drop" } {
  return applied ? { accept: "keep", refuse: "restore" } : { accept: "apply", refuse: "drop" };
}

/** The failing tests of one file, by its absolute path: the folder that is open may be another than the repository's. */
export function failuresIn(state: State | undefined, file: string): Problem[] {
  const root = state?.root ?? "";
  return (state?.problems ?? []).filter((problem) => problem.rule === "failing-test" && join(root, problem.path) === file);
}

/** What prints a file as it was at a point of a session, however its name begins. */
export function fileWords(session: string, at: "start" | "end", path: string): string[] {
  return ["vscode", "file", "--session", session, "--", at, path];
}

/** What takes one file of a session back, however its name begins. */
export function refuseWords(session: string, path: string): string[] {
  return ["session", "restore", "start", session, "--files", "--yes", `--only=${path}`];
}

const NOT_THERE = 4;

/** One side of a diff, from the answer to `fileWords`: empty where the file was not there; throws for any failure. */
export function sideOf(ended: { code: number; stdout: Buffer; stderr: string }): string {
  if (ended.code !== 0 && ended.code !== NOT_THERE) {
    throw new Error(ended.stderr.split("\n").at(-1) || `glmcode vscode file ended with ${ended.code}`);
  }
  return ended.code === NOT_THERE ? "" : ended.stdout.toString("utf8");
}
