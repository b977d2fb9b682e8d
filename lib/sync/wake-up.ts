import type { Clock } from '../ports/clock';

/** A wait that can be cut short. A call that comes while nobody waits is kept for the next wait. */
export class WakeUp {
  #called = false;
  #wait: AbortController | null = null;

  constructor(private readonly clock: Clock) {}

  /** Ends the present wait, or the next one before it begins. */
  call(): void {
    this.#called = true;
    this.#wait?.abort();
  }

  /** Resolves at a call, or after so many milliseconds. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.#called) {
      this.#wait = new AbortController();
      await this.clock.sleep(milliseconds, this.#wait.signal);
      this.#wait = null;
    }
    this.#called = false;
  }
}
