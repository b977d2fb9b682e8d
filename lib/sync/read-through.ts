import { withDeadline } from '../deadline';
import { Unavailable } from '../domain/errors';
import type { Clock } from '../ports/clock';
import type { ComputeApi } from '../ports/cloud';
import type { InstanceStore } from '../ports/directory-store';

/** How long a request waits for Compute (docs/api.md, "Instances"). */
const LONGEST_MILLISECONDS = 2_000;
/** For so long an instance that Compute does not know is not asked about again. */
const ABSENT_MILLISECONDS = 10_000;
const MOST_ABSENT = 10_000;
/** Questions of requests at once, of all projects and of one: tenants choose the ids. */
const MOST_AT_ONCE = 16;
const MOST_OF_ONE_PROJECT = 4;

const late = () => new Unavailable('Compute did not answer in time; try again later.');

/** Asks Compute about an instance that a request names and the directory does not know. */
export class ReadThrough {
  readonly #asking = new Map<string, { readonly projectId: string; readonly answer: Promise<void> }>();
  /** When Compute said that it knows of none, by `Clock.monotonic`, oldest first. */
  readonly #absent = new Map<string, number>();

  constructor(
    private readonly compute: Pick<ComputeApi, 'find'>,
    private readonly instances: Pick<InstanceStore, 'apply' | 'isKnown'>,
    private readonly clock: Clock,
  ) {}

  /**
   * Brings what Compute says of an instance into the directory, where nothing is known of it. One question at a time
   * about one instance, whoever asks.
   * @param projectId whose request it is
   * @throws Unavailable when Compute does not answer in 2 s
   */
  async lookUp(instanceId: string, projectId: string): Promise<void> {
    if (this.#isAbsent(instanceId) || (await this.instances.isKnown(instanceId))) return;
    await (this.#asking.get(instanceId)?.answer ?? this.#start(instanceId, projectId));
  }

  #start(instanceId: string, projectId: string): Promise<void> {
    const ofProject = [...this.#asking.values()].filter((each) => each.projectId === projectId).length;
    if (this.#asking.size >= MOST_AT_ONCE || ofProject >= MOST_OF_ONE_PROJECT)
      throw new Unavailable('Compute is being asked about many instances; try again later.');
    const answer = this.#ask(instanceId).finally(() => this.#asking.delete(instanceId));
    this.#asking.set(instanceId, { projectId, answer });
    return answer;
  }

  async #ask(instanceId: string): Promise<void> {
    const find = (signal: AbortSignal) => this.compute.find(instanceId, signal);
    const found = await withDeadline(find, LONGEST_MILLISECONDS, late, this.clock, new AbortController().signal);
    // of an id that was never heard of there is nothing to remember
    if (found.state === 'gone') this.#remember(instanceId);
    else await this.instances.apply([found]);
  }

  #isAbsent(instanceId: string): boolean {
    const since = this.#absent.get(instanceId);
    return since !== undefined && this.clock.monotonic() < since + ABSENT_MILLISECONDS;
  }

  #remember(instanceId: string): void {
    this.#absent.delete(instanceId);
    this.#absent.set(instanceId, this.clock.monotonic());
    const [oldest] = this.#absent.keys();
    if (this.#absent.size > MOST_ABSENT && oldest !== undefined) this.#absent.delete(oldest);
  }
}
