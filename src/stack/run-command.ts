import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly ok: boolean;
  /** False when the program does not exist or may not be run. */
  readonly found: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly timeoutMs?: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly user?: { readonly uid: number; readonly gid: number } | null;
  /** What it reads from standard input. */
  readonly input?: string;
}

/** Runs a program to its end without a shell; never rejects. */
export function runCommand(
  file: string,
  args: readonly string[],
  { timeoutMs = 60_000, cwd, env = process.env, user = null, input = '' }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env,
      ...(cwd === undefined ? {} : { cwd }),
      ...(user ?? {}),
    });
    // A program that ends before it has read everything is judged by its exit code, not by the broken pipe.
    child.stdin.on('error', () => {}).end(input);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // Not spawn's own `timeout`: its timer keeps the process alive when the program could not be started.
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const settle = (result: CommandResult) => {
      clearTimeout(timer);
      resolve(result);
    };
    child.once('error', (error) => settle({ ok: false, found: false, stdout, stderr: error.message }));
    child.once('close', (code) => settle({ ok: code === 0, found: true, stdout, stderr }));
  });
}
