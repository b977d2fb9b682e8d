import { execFile } from 'node:child_process';

/** A program that ended otherwise than with 0, or could not be started. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';

  constructor(
    program: string,
    /** Null: it was killed, or never ran. */
    readonly exitCode: number | null,
    /** True: there is no such program. */
    readonly isMissing: boolean,
    /** What it complained of. */
    readonly output: string,
    options?: ErrorOptions,
  ) {
    super(`${program} ${exitCode === null ? 'did not run' : `ended with ${exitCode}`}: ${output.trim()}`, options);
  }
}

const LARGEST_OUTPUT = 64 * 1024 * 1024;

/**
 * Runs a program with arguments, never by a shell: the one place where drivers start processes.
 * @returns what it wrote to its standard output
 * @throws ProgramFailed, or the signal's reason
 */
export async function run(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const options = { signal, maxBuffer: LARGEST_OUTPUT, env: { PATH: SYSTEM_PATH, LC_ALL: 'C' } };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else if (signal.aborted) reject(signal.reason as Error);
      else
        reject(
          new ProgramFailed(
            program,
            typeof error.code === 'number' ? error.code : null,
            error.code === 'ENOENT',
            stderr || error.message,
            { cause: error },
          ),
        );
    });
  });
}

/** Administrators' programs are not on everybody's path. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
