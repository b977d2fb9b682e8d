import { setTimeout as wait } from 'node:timers/promises';

/** One kind of request of a mix. */
export interface MixedRequest {
  readonly method: 'GET' | 'PUT';
  /** Made anew for each. */
  readonly url: () => string;
  readonly body?: () => object;
}

/** What came of a mix. */
export interface MixFigures {
  /** How long each took, milliseconds, shortest first. */
  readonly milliseconds: readonly number[];
  /** Those that were not answered with success: what was answered, or why nothing was. */
  readonly failures: readonly string[];
}

/** Requests that go out at a steady pace, one kind after the other, however slow the answers are. */
export class RequestMix {
  readonly #milliseconds: number[] = [];
  readonly #failures: string[] = [];
  readonly #stop = new AbortController();
  readonly #sent = new Set<Promise<void>>();
  readonly #running: Promise<void>;

  constructor(requests: readonly MixedRequest[], aSecond: number) {
    this.#running = this.#run(requests, 1_000 / aSecond);
  }

  /** Stops, and waits for the answers that are still to come. */
  async stop(): Promise<MixFigures> {
    this.#stop.abort();
    await this.#running;
    await Promise.all(this.#sent);
    return { milliseconds: this.#milliseconds.toSorted((one, other) => one - other), failures: this.#failures };
  }

  async #run(requests: readonly MixedRequest[], interval: number): Promise<void> {
    const begun = performance.now();
    for (let number = 0; !this.#stop.signal.aborted; number += 1) {
      const request = requests[number % requests.length];
      if (request) this.#send(request);
      const rest = begun + (number + 1) * interval - performance.now();
      await wait(Math.max(0, rest), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  #send(request: MixedRequest): void {
    const sending = this.#ask(request)
      .catch((error: unknown) => void this.#failures.push(String(error)))
      .finally(() => this.#sent.delete(sending));
    this.#sent.add(sending);
  }

  async #ask({ method, url, body }: MixedRequest): Promise<void> {
    const begun = performance.now();
    const content = body && { body: JSON.stringify(body()), headers: { 'Content-Type': 'application/json' } };
    const answer = await fetch(url(), { method, ...content });
    const text = await answer.text();
    this.#milliseconds.push(performance.now() - begun);
    if (!answer.ok) this.#failures.push(`${method} ${answer.status} ${text}`);
  }
}

/** The time that so large a part of them did not exceed. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
