// Keeps what is known of the latest session and the engine: asked while a task of ours runs, and at its end.

import * as vscode from "vscode";
import { ask, workFolder } from "./program";
import { isOurs } from "./tasks";
import { type Engine, type State, parsed } from "./told";

const EVERY_MS = 3000;

export class Watch implements vscode.Disposable {
  state: State | undefined;
  engine: Engine | undefined;
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private timer: NodeJS.Timeout | undefined;
  private asking = false;
  private readonly subscriptions: vscode.Disposable[];

  constructor() {
    this.subscriptions = [
      this.changed,
      vscode.tasks.onDidStartTaskProcess((event) => this.moved(event.execution.task)),
      vscode.tasks.onDidEndTaskProcess((event) => this.moved(event.execution.task)),
      vscode.workspace.onDidChangeWorkspaceFolders(() => void this.look()),
    ];
    void this.look();
  }

  dispose(): void {
    clearInterval(this.timer);
    this.subscriptions.forEach((one) => one.dispose());
  }

  /** Ask now. What cannot be had is not shown: the tasks themselves say what is wrong. */
  async look(): Promise<void> {
    const cwd = workFolder()?.uri.fsPath;
    if (cwd === undefined || this.asking) {
      return;
    }
    this.asking = true;
    try {
      const [state, engine] = await Promise.allSettled([
        ask(["vscode", "state"], cwd).then((out) => parsed<State>(out.toString("utf8"), "vscode_state")),
        ask(["engine", "status", "--json"], cwd).then((out) => JSON.parse(out.toString("utf8")) as Engine),
      ]);
      this.state = state.status === "fulfilled" ? state.value : undefined;
      this.engine = engine.status === "fulfilled" ? engine.value : undefined;
    } finally {
      this.asking = false;
    }
    this.changed.fire();
  }

  private moved(task: vscode.Task): void {
    if (!isOurs(task)) {
      return;
    }
    const running = vscode.tasks.taskExecutions.some((execution) => isOurs(execution.task));
    clearInterval(this.timer);
    this.timer = running ? setInterval(() => void this.look(), EVERY_MS) : undefined;
    void this.look();
    if (!running) {
      setTimeout(() => void this.look(), 500); // what it asked for just before the end
    }
  }
}
