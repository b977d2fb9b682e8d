import { setTimeout as wait } from 'node:timers/promises';
import { TerminalError } from '../../ports/driver';
import { ProgramFailed, type run } from '../run';
import type { Command } from '../settings';
import { parseXml, textOf, type XmlElement } from './xml';

/** glusterd that hangs (10.3 does, see `auth-allow.ts`) never answers. */
const LONGEST_MILLISECONDS = 30_000;
/** Another process, or another gateway, works on the same volume. */
const BUSY = /another transaction|locking failed|try again/i;
const BUSY_MILLISECONDS = 200;
const MOST_TRIES = 25;
/**
 * All that an argument may have: nothing that means something to a shell, since ssh hands over words that one reads again.
 * So a call says the same by ssh as here.
 */
const ARGUMENT = /^[\w.:/,=-]+$/;

/** What the CLI answered other than success, in its own words. */
export class GlusterRefused extends Error {
  override readonly name = 'GlusterRefused';
}

/**
 * The `gluster` CLI of one backend. glusterd does one thing at a time, and refuses the second that comes for a volume: what
 * changes something waits here in line, and so does what reads, in another.
 */
export class GlusterCommand {
  #changing: Promise<unknown> = Promise.resolve();
  #reading: Promise<unknown> = Promise.resolve();

  /** @param command the program, and what stands before its arguments: ssh, its options, host, `gluster` */
  constructor(
    private readonly command: Command,
    private readonly execute: typeof run,
  ) {}

  /** Changes something: `volume set …`. @throws GlusterRefused */
  async change(words: readonly string[], signal: AbortSignal): Promise<void> {
    const turn = this.#changing.then(() => this.#call(words, signal));
    this.#changing = turn.catch(() => undefined);
    await turn;
  }

  /** Asks something: `volume info …`. @throws GlusterRefused */
  async ask(words: readonly string[], signal: AbortSignal): Promise<XmlElement> {
    const turn = this.#reading.then(() => this.#call(words, signal));
    this.#reading = turn.catch(() => undefined);
    return turn;
  }

  async #call(words: readonly string[], signal: AbortSignal): Promise<XmlElement> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#once(words, signal);
      } catch (error) {
        if (!(error instanceof GlusterRefused && BUSY.test(error.message)) || tries === MOST_TRIES) throw error;
        await wait(BUSY_MILLISECONDS, undefined, { signal });
      }
    }
  }

  async #once(words: readonly string[], signal: AbortSignal): Promise<XmlElement> {
    const [program, ...prefix] = this.command;
    const args = [...prefix, '--mode=script', '--xml', ...words.map(checked)];
    const answer = parseXml(await answered(this.execute, program, args, signal));
    if (textOf(answer, 'opRet') === '0') return answer;
    throw new GlusterRefused(textOf(answer, 'opErrstr') || 'the gluster CLI has failed, and does not say why');
  }
}

/** @throws Error for an argument that nobody of ours makes */
export function checked(word: string): string {
  if (!ARGUMENT.test(word)) throw new Error('a word for a program has characters that it must not have');
  return word;
}

/** Runs it, for so long at most. */
async function answered(
  execute: typeof run,
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const attempt = new AbortController();
  const giveUp = () => attempt.abort(signal.reason);
  const late = () => attempt.abort(new Error(`gluster has not answered in ${LONGEST_MILLISECONDS / 1_000} s`));
  signal.addEventListener('abort', giveUp, { once: true });
  const timer = setTimeout(late, LONGEST_MILLISECONDS);
  try {
    return await execute(program, args, attempt.signal);
  } catch (cause) {
    if (!(cause instanceof ProgramFailed && cause.isMissing)) throw cause;
    throw new TerminalError(
      `${program} cannot be run: install glusterfs-cli (Debian: glusterfs-server), or correct the setting "command".`,
      { cause },
    );
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}
