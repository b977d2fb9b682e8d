/** Counts what is done to files and to the server, and ends the process behind one of them: from then on nothing happens. */
class Killer {
  #left = Number.POSITIVE_INFINITY;
  steps: string[] = [];

  after(steps: number): void {
    this.#left = steps;
    this.steps = [];
  }

  /** @throws Error when the process is dead */
  alive(): void {
    if (this.#left <= 0) throw new Error('killed');
  }

  step(name: string): void {
    this.steps.push(name);
    this.#left -= 1;
    this.alive();
  }
}

/** A spec lets it count what is done to files; what is done to the server is counted here. */
export const killer = new Killer();

/** The calls that change files, the real ones, with an end behind each. For `jest.mock`. */
export function endings(actual: Record<'replaceFile' | 'removeFile', (...args: unknown[]) => Promise<unknown>>) {
  const ending =
    (call: (...args: unknown[]) => Promise<unknown>) =>
    async (...args: unknown[]) => {
      killer.alive();
      const result = await call(...args);
      killer.step(`${call.name} ${String(args[0]).replace(/^.*\//, '')}`);
      return result;
    };
  return { replaceFile: ending(actual.replaceFile), removeFile: ending(actual.removeFile) };
}
