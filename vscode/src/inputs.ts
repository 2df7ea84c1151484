// The commands that `${command:glmcode.approval}` and its like stand for: they ask, and give what was chosen.

import * as vscode from "vscode";
import type { Input } from "./told";

export class Inputs implements vscode.Disposable {
  private commands: vscode.Disposable[] = [];

  /** Register these, in place of those before. */
  register(inputs: readonly Input[]): void {
    this.dispose();
    this.commands = inputs.map((input) => vscode.commands.registerCommand(input.id, () => answer(input)));
  }

  dispose(): void {
    this.commands.forEach((one) => one.dispose());
    this.commands = [];
  }
}

async function answer(input: Input): Promise<string | undefined> {
  if (!input.options) {
    return vscode.window.showInputBox({ prompt: input.description, ignoreFocusOut: true });
  }
  const chosen = await vscode.window.showQuickPick(input.options, { placeHolder: input.description });
  return chosen?.value;
}
