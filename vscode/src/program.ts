// Starts the installed glmcode and takes what it prints.

import { execFile } from "node:child_process";
import * as vscode from "vscode";

export interface Ended {
  code: number;
  stdout: Buffer;
  stderr: string;
}

/** The program of the settings. */
export function program(): string {
  return vscode.workspace.getConfiguration("glmcode").get<string>("path") || "glmcode";
}

/** Run any program to its end in a folder, with something on its standard input. */
export function run(command: string, args: readonly string[], cwd: string, given?: Buffer): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const options = { cwd, encoding: "buffer" as const, maxBuffer: 64 * 1024 * 1024, timeout: 60_000 };
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error && typeof error.code !== "number") {
        const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
        const remedy = missing ? "install it, or set glmcode.path" : error.message;
        reject(new Error(`${command} could not be started: ${remedy}`));
        return;
      }
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr: stderr.toString("utf8").trim() });
    });
    child.stdin?.on("error", () => undefined); // it may end without reading
    child.stdin?.end(given);
  });
}

/** Run glmcode and give its standard output; throws what it said where it failed. */
export async function ask(args: readonly string[], cwd: string): Promise<Buffer> {
  const ended = await run(program(), args, cwd);
  if (ended.code !== 0) {
    throw new Error(ended.stderr.split("\n").at(-1) || `glmcode ${args[0]} ended with ${ended.code}`);
  }
  return ended.stdout;
}

/** The folder that is worked on: that of the active editor, else the first one. */
export function workFolder(): vscode.WorkspaceFolder | undefined {
  const shown = vscode.window.activeTextEditor?.document.uri;
  return (shown && vscode.workspace.getWorkspaceFolder(shown)) ?? vscode.workspace.workspaceFolders?.[0];
}
