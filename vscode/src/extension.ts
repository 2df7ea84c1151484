// Puts the parts into the window.

import * as vscode from "vscode";
import { Inputs } from "./inputs";
import { Lenses, registerFix } from "./lenses";
import { registerPatch } from "./patch";
import { TYPE, TaskProvider } from "./tasks";
import { statusText } from "./told";
import { Watch } from "./watch";

export function activate(context: vscode.ExtensionContext): void {
  const inputs = new Inputs();
  const provider = new TaskProvider(inputs);
  const watch = new Watch();
  context.subscriptions.push(
    inputs,
    watch,
    vscode.tasks.registerTaskProvider(TYPE, provider),
    vscode.languages.registerCodeLensProvider({ scheme: "file" }, new Lenses(watch)),
    vscode.commands.registerCommand("glmcode.run", runTask),
    statusBar(watch),
  );
  registerFix(provider, context);
  registerPatch(watch, context);
  const refresh = (): void => {
    provider.refresh().catch((error: Error) => void vscode.window.showWarningMessage(error.message));
  };
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("glmcode.path")) {
        refresh();
        void watch.look();
      }
    }),
  );
  refresh();
}

async function runTask(): Promise<void> {
  const tasks = await vscode.tasks.fetchTasks({ type: TYPE });
  const rows = tasks.map((task) => ({ label: task.name, detail: task.detail, task }));
  const chosen = await vscode.window.showQuickPick(rows, { placeHolder: "glmcode: which task?" });
  if (chosen) {
    await vscode.tasks.executeTask(chosen.task);
  }
}

function statusBar(watch: Watch): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("glmcode.status", vscode.StatusBarAlignment.Left, 10);
  item.name = "glmcode";
  item.command = "glmcode.run";
  const show = (): void => {
    item.text = statusText(watch.state, watch.engine);
    const { state, engine } = watch;
    item.tooltip = [
      state?.session ? `session ${state.session}, ${state.model}` : "no session of this folder yet",
      engine ? `engine: ${engine.state}${engine.model ? `, ${engine.model}` : ""}` : "",
      "click: run a task",
    ].filter(Boolean).join("\n");
  };
  show();
  item.show();
  return vscode.Disposable.from(item, watch.onDidChange(show));
}
