import { chmod, lstat, mkdir, opendir, rmdir } from 'node:fs/promises';
import * as path from 'node:path';
import { isThere } from '../drivers/durable-file';
import { ProgramFailed } from '../drivers/run';
import { TerminalError } from '../ports/driver';
import { holdsMore, type VolumeKind } from './kind';
import type { Layout } from './layout';
import { mountOf } from './mounts';
import { type Project, parseProjectNumbers, parseProjects } from './tool-output';
import { runTool } from './tools';
import { LARGEST_PROJECT } from './verbs';

/** As many paths as fit into one command line, several times over. */
const AT_ONCE = 500;
/** A size of 0 would be none. */
const SMALLEST_KIBIBYTES = 1n;

/** A directory a volume, with a project of ext4 or XFS of its own, on whose number there is a limit. */
export class ProjectVolumes implements VolumeKind {
  constructor(
    private readonly layout: Layout,
    private readonly mode: number,
  ) {}

  async check(signal: AbortSignal): Promise<void> {
    const { root } = this.layout;
    const { type, target, options } = await mountOf(root);
    if (type !== 'ext4' && type !== 'xfs') throw new TerminalError(`${root} is on ${type}, not on ext4 or xfs.`);
    const missing = ['nodev', 'nosuid', 'noexec'].filter((each) => !options.has(each));
    if (missing.length > 0) throw new TerminalError(`${target} is not mounted with ${missing.join(',')}.`);
    if (!options.has('prjquota') && !options.has('pquota'))
      throw new TerminalError(`${target} is not mounted with prjquota.`);
    await this.#projects(signal);
  }

  async begin(id: string, number: bigint, signal: AbortSignal): Promise<string> {
    const begun = this.layout.begun(id);
    if (number > BigInt(LARGEST_PROJECT)) throw new TerminalError(`${number} is no project number.`);
    if (!(await isThere(begun))) {
      const taken = (await this.#projects(signal)).get(Number(number));
      if (taken && (taken.usedBytes > 0n || taken.limitBytes > 0n))
        throw new TerminalError(`The project number ${number} is another's on this storage.`);
      await mkdir(begun, { mode: 0o700 });
    }
    // no room until its size is set
    await this.#limit(number, SMALLEST_KIBIBYTES, signal);
    await runTool('chattr', ['-p', String(number), '--', begun], signal);
    await runTool('chattr', ['+P', '--', begun], signal);
    await chmod(begun, this.mode);
    return begun;
  }

  async mountable() {
    return null;
  }

  async resize(id: string, bytes: bigint, signal: AbortSignal): Promise<void> {
    const number = await this.#numberOf(this.layout.volume(id), signal);
    const found = (await this.#projects(signal)).get(number);
    const refused = holdsMore(found?.usedBytes ?? 0n, bytes);
    if (refused !== null) throw new TerminalError(refused);
    await this.#limit(BigInt(number), (bytes + 1023n) / 1024n, signal);
  }

  async usage(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    const projects = await this.#projects(signal);
    const used = new Map<string, bigint>();
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const some = ids.slice(from, from + AT_ONCE);
      const numbers = await this.#numbersOf(
        some.map((id) => this.layout.volume(id)),
        signal,
      );
      for (const id of some) {
        const number = numbers.get(this.layout.volume(id)) ?? 0;
        // a project that nothing counts for yet is not told
        if (number !== 0) used.set(id, projects.get(number)?.usedBytes ?? 0n);
      }
    }
    return used;
  }

  async numbers(signal: AbortSignal): Promise<readonly number[]> {
    const projects = [...(await this.#projects(signal))];
    return projects
      .filter(([, { usedBytes, limitBytes }]) => usedBytes > 0n || limitBytes > 0n)
      .map(([number]) => number);
  }

  companions(): readonly string[] {
    return [];
  }

  /** Its files first; the number is free when they are gone, and the directory goes last: it alone tells the number. */
  async purge(id: string, signal: AbortSignal): Promise<boolean> {
    const folder = this.layout.setAside(id);
    if (!(await isThere(folder))) return true;
    const number = await this.#numberOf(folder, signal);
    for (let some = await someOf(folder); some.length > 0; some = await someOf(folder)) {
      try {
        // by open directories, link by link, whatever their users do meanwhile, and however deep it is
        await runTool('rm', ['-rf', '--one-file-system', '--', ...some], signal);
      } catch (error) {
        if (signal.aborted) return false;
        if (error instanceof ProgramFailed && /skipping/.test(error.message))
          throw new TerminalError('Another file system is mounted in this volume: an operator has to unmount it.', {
            cause: error,
          });
        throw error;
      }
    }
    await this.#limit(BigInt(number), 0n, signal);
    await rmdir(folder);
    return true;
  }

  /** 0: none. */
  async #limit(number: bigint, kibibytes: bigint, signal: AbortSignal): Promise<void> {
    if (number < 1n) throw new Error('project 0 is everybody');
    await runTool('setquota', ['-P', String(number), '0', String(kibibytes), '0', '0', await this.#mount()], signal);
  }

  async #projects(signal: AbortSignal): Promise<ReadonlyMap<number, Project>> {
    return parseProjects(await runTool('repquota', ['-P', '-n', '-O', 'csv', await this.#mount()], signal));
  }

  async #mount(): Promise<string> {
    return (await mountOf(this.layout.root)).target;
  }

  /** @throws TerminalError for what has no project of its own */
  async #numberOf(folder: string, signal: AbortSignal): Promise<number> {
    const found = await lstat(folder);
    const number = found.isDirectory() ? (await this.#numbersOf([folder], signal)).get(folder) : undefined;
    if (number === undefined || number === 0)
      throw new TerminalError('What stands where the volume of this filesystem should be has no project number.');
    return number;
  }

  async #numbersOf(folders: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    return parseProjectNumbers(await runTool('lsattr', ['-pd', '--', ...folders], signal));
  }
}

/** Some of what is in a folder, as paths. */
async function someOf(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name } of await opendir(folder)) {
    found.push(path.join(folder, name));
    if (found.length === AT_ONCE) break;
  }
  return found;
}
