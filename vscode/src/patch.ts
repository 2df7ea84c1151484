// The last patch in the diff editor, file by file, to accept or to refuse.

import * as vscode from "vscode";
import { ask, program, run, workFolder } from "./program";
import { type Diff, type State, choices, fileWords, parsed, refuseWords, sideOf } from "./told";
import type { Watch } from "./watch";

const SCHEME = "glmcode";

interface Query {
  session: string;
  at: "start" | "end";
  cwd: string;
}

export function registerPatch(watch: Watch, context: vscode.ExtensionContext): void {
  context.subscriptions.push(
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, { provideTextDocumentContent: content }),
    vscode.commands.registerCommand("glmcode.patch", () => told(() => look(watch))),
    vscode.commands.registerCommand("glmcode.accept", (uri?: vscode.Uri) => told(() => accept(uri))),
    vscode.commands.registerCommand("glmcode.refuse", (uri?: vscode.Uri) => told(() => refuse(uri))),
  );
}

async function told(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}

function uriOf(path: string, query: Query): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/${path}`, query: JSON.stringify(query) });
}

async function content(uri: vscode.Uri): Promise<string> {
  const query = JSON.parse(uri.query) as Query;
  return sideOf(await run(program(), fileWords(query.session, query.at, uri.path.slice(1)), query.cwd));
}

/** Choose a file of the patch and show both sides of it. */
async function look(watch: Watch): Promise<void> {
  await watch.look();
  const cwd = workFolder()?.uri.fsPath;
  const session = watch.state?.session;
  if (!cwd || !session) {
    void vscode.window.showInformationMessage("glmcode has no session of this folder yet.");
    return;
  }
  const diff = JSON.parse((await ask(["session", "diff", session, "--json"], cwd)).toString("utf8")) as Diff;
  if (diff.files.length === 0) {
    void vscode.window.showInformationMessage("The last session changed no file.");
    return;
  }
  const rows = diff.files.map((file) => ({ label: file.path, description: `${file.status} +${file.added ?? "?"} -${file.removed ?? "?"}` }));
  const chosen = rows.length === 1 ? rows[0] : await vscode.window.showQuickPick(rows, { placeHolder: placeHolder(watch) });
  if (chosen) {
    const sides = (["start", "end"] as const).map((at) => uriOf(chosen.label, { session, at, cwd }));
    await vscode.commands.executeCommand("vscode.diff", sides[0], sides[1], `${chosen.label} (glmcode)`);
  }
}

function placeHolder(watch: Watch): string {
  return watch.state?.applied ? "These changes are in your files" : "These changes wait to be accepted";
}

function chosenFile(uri: vscode.Uri | undefined): { path: string; query: Query } {
  const shown = uri ?? vscode.window.activeTextEditor?.document.uri;
  if (shown?.scheme !== SCHEME) {
    throw new Error("Open a file of the last patch first: glmcode: Look at the Last Patch.");
  }
  return { path: shown.path.slice(1), query: JSON.parse(shown.query) as Query };
}

/** Of the session whose diff is open, which need not be the latest any more. */
async function isApplied(query: Query): Promise<boolean> {
  const out = await ask(["vscode", "state", "--session", query.session], query.cwd);
  return parsed<State>(out.toString("utf8"), "vscode_state").applied;
}

/** Into the user's files, unless it is there; git refuses what no longer fits. */
async function accept(uri: vscode.Uri | undefined): Promise<void> {
  const { path, query } = chosenFile(uri);
  if (choices(await isApplied(query)).accept === "keep") {
    void vscode.window.showInformationMessage(`${path} is in your files.`);
    return;
  }
  const patch = await ask(["session", "diff", query.session, "start", "end"], query.cwd);
  const { root } = await rootOf(query.cwd);
  const ended = await run("git", ["apply", `--include=${path.replace(/[[\]*?\\]/g, "\\$&")}`, "-"], root, patch);
  if (ended.code !== 0) {
    throw new Error(`${path} was not changed: ${ended.stderr.split("\n")[0]}`);
  }
  void vscode.window.showInformationMessage(`${path} is changed.`);
}

async function rootOf(cwd: string): Promise<{ root: string }> {
  const ended = await run("git", ["rev-parse", "--show-toplevel"], cwd);
  return { root: ended.stdout.toString("utf8").trim() || cwd };
}

/** Out of the user's files, or out of the patch that waits; can be taken back with `glmcode session restore undo`. */
async function refuse(uri: vscode.Uri | undefined): Promise<void> {
  const { path, query } = chosenFile(uri);
  const applied = await isApplied(query);
  await ask(refuseWords(query.session, path), query.cwd);
  const done = choices(applied).refuse === "restore" ? "is as it was" : "is out of the patch";
  void vscode.window.showInformationMessage(`${path} ${done}; glmcode session restore undo takes this back.`);
}
