// What the tasks are, asked of glmcode once and again when another glmcode is set. Knows nothing of VS Code.

import type { Tasks } from "./told";

export class Definitions {
  private asked?: Promise<Tasks>;

  /** `read` asks for them; `heard` is called with each answer that still counts. */
  constructor(
    private readonly read: () => Promise<Tasks>,
    private readonly heard: (tasks: Tasks) => void,
  ) {}

  /** Asked for where they are not known; a failure is not kept, since glmcode may be installed by the next time. */
  all(): Promise<Tasks> {
    this.asked ??= this.ask();
    return this.asked;
  }

  forget(): void {
    this.asked = undefined;
  }

  private ask(): Promise<Tasks> {
    const asked: Promise<Tasks> = this.read().then(
      (tasks) => {
        if (this.asked === asked) {
          this.heard(tasks);
        }
        return tasks;
      },
      (error: unknown) => {
        if (this.asked === asked) {
          this.asked = undefined;
        }
        throw error;
      },
    );
    return asked;
  }
}
