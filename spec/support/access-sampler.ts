import { setTimeout as wait } from 'node:timers/promises';

/** Looks again and again until it is stopped, at a steady pace. */
export class Sampler {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** The longest time between two looks, milliseconds: more than the pace when the machine is busy. */
  longestGap = 0;

  /** @param look gets the time before it looks, by `performance.now` */
  constructor(
    private readonly paceMilliseconds: number,
    private readonly look: (now: number) => void,
  ) {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let last = performance.now();
    for (let due = last; !this.#stop.signal.aborted; ) {
      const now = performance.now();
      this.longestGap = Math.max(this.longestGap, now - last);
      last = now;
      this.look(now);
      due = Math.max(due + this.paceMilliseconds, performance.now());
      await wait(due - performance.now(), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }
}
