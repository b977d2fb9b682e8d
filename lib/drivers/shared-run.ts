/**
 * Work that serves all who ask for it: calls that arrive while it runs share the next run, which begins when that has ended.
 * A run belongs to all who share it: nobody's signal ends it.
 */
export class SharedRun<Result> {
  #next: Promise<Result> | null = null;
  #present: Promise<unknown> = Promise.resolve();

  constructor(private readonly work: () => Promise<Result>) {}

  /** @returns what came of a run that began after the call */
  async run(): Promise<Result> {
    this.#next ??= this.#after(this.#present);
    return this.#next;
  }

  async #after(present: Promise<unknown>): Promise<Result> {
    await present.catch(() => undefined);
    const run = this.work();
    this.#present = run;
    this.#next = null;
    return run;
  }
}
