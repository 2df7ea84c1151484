// The tasks of type `glmcode`: what they are is asked of the installed program, so that both never differ.

import * as vscode from "vscode";
import { ask, program, workFolder } from "./program";
import { type Input, type Spec, type Tasks, parsed, wordsOf } from "./told";

export const TYPE = "glmcode";

interface Definition extends vscode.TaskDefinition {
  task: string;
  args?: string[];
}

export class TaskProvider implements vscode.TaskProvider {
  private told?: Promise<Tasks>;

  async provideTasks(): Promise<vscode.Task[]> {
    const { tasks } = await this.all();
    return tasks.map((spec) => this.made({ type: TYPE, task: spec.id }, spec));
  }

  async resolveTask(task: vscode.Task): Promise<vscode.Task | undefined> {
    const definition = task.definition as Definition;
    const spec = await this.spec(definition.task);
    return spec && this.made(definition, spec, task.scope);
  }

  /** A task with variables of its own in place of the editor's. */
  async withEnvironment(id: string, env: Record<string, string>): Promise<vscode.Task | undefined> {
    const spec = await this.spec(id);
    return spec && this.made({ type: TYPE, task: id }, { ...spec, task: { ...spec.task, options: { env } } });
  }

  async inputs(): Promise<Input[]> {
    return (await this.all()).inputs;
  }

  private async spec(id: string): Promise<Spec | undefined> {
    return (await this.all()).tasks.find((spec) => spec.id === id);
  }

  private all(): Promise<Tasks> {
    const cwd = workFolder()?.uri.fsPath ?? process.cwd();
    this.told ??= ask(["vscode", "tasks"], cwd).then((out) => parsed<Tasks>(out.toString("utf8"), "vscode_tasks"));
    this.told.catch(() => (this.told = undefined)); // it may be installed by the next time
    return this.told;
  }

  private made(definition: Definition, spec: Spec, scope?: vscode.Task["scope"]): vscode.Task {
    const name = spec.task.label.replace(/^glmcode: /, "");
    const execution = new vscode.ProcessExecution(program(), wordsOf(spec, definition.args), {
      env: spec.task.options?.env,
    });
    const matcher = spec.panel === "run" ? ["$glmcode"] : spec.panel === "engine" ? ["$glmcode-engine"] : [];
    const task = new vscode.Task(definition, scope ?? workFolder() ?? vscode.TaskScope.Workspace, name, TYPE, execution, matcher);
    task.detail = spec.task.detail.replace(/ \(kept by .*\)$/, "");
    task.isBackground = spec.task.isBackground ?? false;
    task.group = spec.task.group === "test" ? vscode.TaskGroup.Test : undefined;
    task.presentationOptions = {
      reveal: vscode.TaskRevealKind.Always,
      panel: vscode.TaskPanelKind.Dedicated,
      echo: false,
      clear: true,
      showReuseMessage: false,
      focus: spec.task.presentation.focus ?? false,
    };
    return task;
  }
}

/** The commands that `${command:glmcode.approval}` and its like stand for: they ask, and give what was chosen. */
export async function registerInputs(provider: TaskProvider, context: vscode.ExtensionContext): Promise<void> {
  for (const input of await provider.inputs()) {
    context.subscriptions.push(
      vscode.commands.registerCommand(input.id, async () => {
        if (!input.options) {
          return vscode.window.showInputBox({ prompt: input.description, ignoreFocusOut: true });
        }
        const chosen = await vscode.window.showQuickPick(input.options, { placeHolder: input.description });
        return chosen?.value;
      }),
    );
  }
}

export function isOurs(task: vscode.Task): boolean {
  return task.definition.type === TYPE || task.name.startsWith("glmcode: ");
}
