import { Unavailable } from '../domain/errors';
import type { Observation } from '../domain/instance';
import { type ComputeApi, type ListingPage, Untold } from '../ports/cloud';
import type { Logger } from '../ports/host';
import type { Metrics } from '../ports/metrics';

/** The Compute API, and whether it answers: one condition, said once. */
export class WatchedCompute implements ComputeApi {
  /** Why it does not answer; null when it does, or was not asked yet. */
  #trouble: string | null = null;

  constructor(
    private readonly compute: ComputeApi,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
  ) {}

  /** Detail of `readyz`. */
  get status(): { readonly reachable: boolean; readonly message: string | null } {
    return { reachable: this.#trouble === null, message: this.#trouble };
  }

  async find(instanceId: string, signal: AbortSignal): Promise<Observation> {
    try {
      const found = await this.compute.find(instanceId, signal);
      this.#answered();
      return found;
    } catch (error) {
      throw this.#failed(error, signal);
    }
  }

  async *list(signal: AbortSignal): AsyncGenerator<ListingPage> {
    try {
      for await (const page of this.compute.list(signal)) {
        this.#answered();
        yield page;
      }
    } catch (error) {
      throw this.#failed(error, signal);
    }
  }

  #answered(): void {
    if (this.#trouble !== null) this.logger.info({}, 'Compute answers again');
    this.#trouble = null;
    this.metrics.computeReachable(true);
  }

  /** What a caller has given up says nothing of Compute. */
  #failed(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted || !(error instanceof Unavailable)) return error;
    if (error instanceof Untold) {
      this.#answered();
      return error;
    }
    if (this.#trouble === null) this.logger.warn({ err: error }, 'Compute does not answer as it should');
    this.#trouble = error.message;
    this.metrics.computeReachable(false);
    return error;
  }
}
