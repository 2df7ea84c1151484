// A line above each test that failed in the last run: what went wrong, and a way to have it fixed.

import * as path from "node:path";
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
    const folder = vscode.workspace.getWorkspaceFolder(document.uri);
    if (!folder) {
      return [];
    }
    const name = path.relative(folder.uri.fsPath, document.uri.fsPath).split(path.sep).join("/");
    return failuresIn(this.watch.state, name).map((problem) => {
      const line = Math.min(Math.max(problem.line - 1, 0), Math.max(document.lineCount - 1, 0));
      return new vscode.CodeLens(new vscode.Range(line, 0, line, 0), {
        title: `${problem.message} · Fix with glmcode`,
        command: "glmcode.fixTest",
        arguments: [`${name}:${problem.line}`],
      });
    });
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
