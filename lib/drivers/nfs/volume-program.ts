import { TerminalError, VolumeLost } from '../../ports/driver';
import { type BackendVerb, EXIT, type VolumeVerb } from '../../volume-program/verbs';
import { ProgramFailed, run } from '../run';
import type { Command } from '../settings';
import { fileNameOf } from '../volume-id';

/** What the filer's volume program has of use and numbers. */
export interface Counted {
  /** Bytes by volume id. */
  readonly used: ReadonlyMap<string, bigint>;
  readonly numbers: readonly number[];
}

/** The one program that is run with root's rights: `nova-shared-filesystem-volume VERB UUID [NUMBER]`, by sudo. */
export class VolumeProgram {
  constructor(private readonly command: Command) {}

  /** @throws VolumeLost where there is no such volume; TerminalError; Error when trying again may help */
  async call(
    verb: Exclude<VolumeVerb, 'purge'>,
    id: string,
    number: bigint | null,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#run([verb, fileNameOf(id), ...(number === null ? [] : [String(number)])], signal);
  }

  /** Destroys what was retired, slice by slice. */
  async purge(id: string, signal: AbortSignal): Promise<void> {
    for (let isDone = false; !isDone; ) isDone = (await this.#run(['purge', fileNameOf(id)], signal)).done === true;
  }

  async ofBackend(verb: Exclude<BackendVerb, 'check' | 'usage'>, identity: string, signal: AbortSignal): Promise<void> {
    await this.#run([verb, fileNameOf(identity)], signal);
  }

  /** What it is configured for. */
  async check(identity: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    return this.#run(['check', fileNameOf(identity)], signal);
  }

  async usage(identity: string, signal: AbortSignal): Promise<Counted> {
    return readCounted(await this.#run(['usage', fileNameOf(identity)], signal));
  }

  async #run(args: readonly string[], signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const [program, ...rest] = this.command;
    try {
      return readObject(await run(program, [...rest, ...args], signal));
    } catch (error) {
      if (!(error instanceof ProgramFailed)) throw error;
      throw this.#meaning(error);
    }
  }

  #meaning(error: ProgramFailed): Error {
    if (error.exitCode === EXIT.absent) return new VolumeLost({ cause: error });
    if (error.exitCode === EXIT.terminal) return new TerminalError(error.output.trim(), { cause: error });
    // of the filer, not of this volume: `check` says the same, and the backend is down
    if (error.isMissing || /^sudo: /m.test(error.output))
      return new Error(
        `The volume program cannot be run by "${this.command.join(' ')}": allow it by sudo, or correct the setting "program" (docs/drivers.md).`,
        { cause: error },
      );
    return error;
  }
}

/** @throws Error */
function readObject(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('the volume program has answered something else than an object');
  return value as Record<string, unknown>;
}

/** Reads the answer to `usage`. @throws Error for any other */
export function readCounted({ used, numbers }: Readonly<Record<string, unknown>>): Counted {
  if (typeof used !== 'object' || used === null || !Array.isArray(numbers))
    throw new Error('the volume program has answered something else than what is used');
  return {
    used: new Map(
      Object.entries(used).map(([id, bytes]: [string, unknown]) => {
        if (typeof bytes !== 'string' || !/^\d{1,19}$/.test(bytes)) throw new Error(`these are no bytes of ${id}`);
        return [id, BigInt(bytes)];
      }),
    ),
    numbers: numbers.map((number: unknown) => {
      if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw new Error('this is no project number');
      return number;
    }),
  };
}
