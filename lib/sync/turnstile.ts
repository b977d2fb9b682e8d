/**
 * Lets so many through at once, in the order in which they came. Runs that begin together read one after the other, so that
 * the first is done soon, where all of them at once would all be done late.
 */
export class Turnstile {
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(private readonly most: number) {}

  /** Runs `work` in its turn. */
  async pass<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#inside >= this.most)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    else this.#inside += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inside -= 1;
    }
  }
}
