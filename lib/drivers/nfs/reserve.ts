import { randomUUID } from 'node:crypto';
import { lstat, unlink } from 'node:fs/promises';
import * as path from 'node:path';
import { isFull, isMissing, replaceFile } from '../durable-file';

/** Longer than a list of 10,000 addresses. */
const BYTES = 1_500_000;

/** A file that is kept so that a list can be written when the disk is full: it is removed, and there is room. */
export class Reserve {
  readonly #file: string;
  #isKept = false;
  #making: Promise<void> | null = null;

  constructor(folder: string) {
    // no name that a server would load
    this.#file = path.join(folder, '.reserve');
  }

  /** Makes it where it is missing; looked for once, and again when it was spent. A disk without room for it is no error. */
  async keep(): Promise<void> {
    if (this.#isKept) return;
    this.#making ??= this.#make().finally(() => {
      this.#making = null;
    });
    await this.#making;
  }

  async #make(): Promise<void> {
    this.#isKept = await this.#isThere();
    if (this.#isKept) return;
    try {
      // random: zeros may take no room at all
      await replaceFile(this.#file, randomUUID().repeat(Math.ceil(BYTES / 36)), 0o600);
      this.#isKept = true;
    } catch (error) {
      // another process has made it in the same moment
      if (!isFull(error) && !isMissing(error)) throw error;
    }
  }

  async spend(): Promise<void> {
    this.#isKept = false;
    await unlink(this.#file).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }

  async #isThere(): Promise<boolean> {
    try {
      return (await lstat(this.#file)).size >= BYTES;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }
}
