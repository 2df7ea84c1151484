// A line above each test that failed in the last run: what went wrong, and a way to have it fixed.

import { realpathSync } from "node:fs";
import * as vscode from "vscode";
import type { TaskProvider } from "./tasks";
import { failuresIn } from "./told";
import type { Watch } from "./watch";

export class Lenses implements vscode.CodeLensProvider {
  readonly onDidChangeCodeLenses: vscode.Event<void>;

  constructor(private readonly watch: Watch) {
    this.onDidChangeCodeLenses = watch.onDidChange;
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const name = document.uri.fsPath;
    return failuresIn(this.watch.state, real(name)).map((problem) => {
      const line = Math.min(Math.max(problem.line - 1, 0), Math.max(document.lineCount - 1, 0));
      return new vscode.CodeLens(new vscode.Range(line, 0, line, 0), {
        title: `${problem.message} · Fix with glmcode`,
        command: "glmcode.fixTest",
        arguments: [`${name}:${problem.line}`],
      });
    });
  }
}

/** Without symbolic links, as glmcode names the repository. */
function real(name: string): string {
  try {
    return realpathSync.native(name);
  } catch {
    return name; // it is not saved yet
  }
}

/** The command of a lens: fix the file, at the line of the failure. */
export function registerFix(provider: TaskProvider, context: vscode.ExtensionContext): void {
  const fix = async (place: string): Promise<void> => {
    const task = await provider.withEnvironment("fix-file", { GLMCODE_FILE: place });
    if (task) {
      await vscode.tasks.executeTask(task);
    }
  };
  context.subscriptions.push(vscode.commands.registerCommand("glmcode.fixTest", fix));
}
