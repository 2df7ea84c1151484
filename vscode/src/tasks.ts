// The tasks of type `glmcode`: what they are is asked of the installed program, so that both never differ.

import * as vscode from "vscode";
import { Definitions } from "./definitions";
import type { Inputs } from "./inputs";
import { ask, program, workFolder } from "./program";
import { type Spec, type Tasks, parsed, wordsOf } from "./told";

export const TYPE = "glmcode";

interface Definition extends vscode.TaskDefinition {
  task: string;
  args?: string[];
}

export class TaskProvider implements vscode.TaskProvider {
  private readonly definitions: Definitions;

  constructor(inputs: Inputs) {
    this.definitions = new Definitions(read, (told) => inputs.register(told.inputs));
  }

  /** Ask glmcode again: it is the first time, or another one was set. */
  async refresh(): Promise<void> {
    this.definitions.forget();
    await this.definitions.all();
  }

  async provideTasks(): Promise<vscode.Task[]> {
    const { tasks } = await this.definitions.all();
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

  private async spec(id: string): Promise<Spec | undefined> {
    return (await this.definitions.all()).tasks.find((spec) => spec.id === id);
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

async function read(): Promise<Tasks> {
  const out = await ask(["vscode", "tasks"], workFolder()?.uri.fsPath ?? process.cwd());
  return parsed<Tasks>(out.toString("utf8"), "vscode_tasks");
}

export function isOurs(task: vscode.Task): boolean {
  return task.definition.type === TYPE || task.name.startsWith("glmcode: ");
}
