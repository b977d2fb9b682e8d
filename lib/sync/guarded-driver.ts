import type { CountingRule } from '../domain/address';
import {
  addressTest,
  credibleName,
  credibleProject,
  credibleSizeText,
  isCredibleId,
  isCredibleNumber,
} from '../domain/credible';
import { SCOPES } from '../domain/filesystem';
import {
  type AccessList,
  type AccessResult,
  type Capabilities,
  type Driver,
  type Room,
  type StoredVolume,
  TerminalError,
  type Volume,
  type VolumeRecord,
} from '../ports/driver';

/** What is said of an address that the filer's own settings rule out. */
const OUTSIDE =
  'This address does not count where the storage is: the settings beside the filer are others than the API’s.';

/**
 * The last border before a driver: where the privileges are no row of the database is believed. An id that is none goes no
 * further, words are cut down to what they can be, and of a list only those addresses are let in that this process' own
 * settings let count.
 */
export class GuardedDriver implements Driver {
  readonly capabilities: Capabilities;
  readonly ownAddresses: readonly string[];
  readonly settings: string;
  readonly #mayCount: (address: string) => boolean;

  constructor(
    private readonly driver: Driver,
    rule: CountingRule,
  ) {
    this.capabilities = driver.capabilities;
    this.ownAddresses = driver.ownAddresses;
    this.settings = driver.settings;
    this.#mayCount = addressTest(rule);
  }

  async check(signal: AbortSignal): Promise<string | null> {
    return this.driver.check(signal);
  }

  async mark(identity: string, signal: AbortSignal): Promise<void> {
    return this.driver.mark(credibleId(identity), signal);
  }

  async ensure(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<string> {
    return this.driver.ensure(this.#credible(volume), mayCreate, signal);
  }

  async syncAccess(volume: Volume, access: AccessList, mayGrant: boolean, signal: AbortSignal): Promise<AccessResult> {
    const outside = access.addresses.filter((address) => !this.#mayCount(address));
    if (outside.length === 0) return this.driver.syncAccess(this.#credible(volume), access, mayGrant, signal);
    const addresses = access.addresses.filter((address) => this.#mayCount(address));
    const { refused } = await this.driver.syncAccess(
      this.#credible(volume),
      { ...access, addresses },
      mayGrant,
      signal,
    );
    return { refused: new Map([...outside.map((address) => [address, OUTSIDE] as const), ...refused]) };
  }

  async readAccess(volume: Volume, signal: AbortSignal): Promise<readonly string[]> {
    return this.driver.readAccess(this.#credible(volume), signal);
  }

  async usage(volumes: readonly Pick<Volume, 'id'>[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    return this.driver.usage(
      volumes.filter(({ id }) => isCredibleId(id)),
      signal,
    );
  }

  async retire(volume: Volume, signal: AbortSignal): Promise<void> {
    return this.driver.retire(this.#credible(volume), signal);
  }

  async restore(volume: Volume, signal: AbortSignal): Promise<void> {
    return this.driver.restore(this.#credible(volume), signal);
  }

  async purge({ id }: Pick<Volume, 'id'>, signal: AbortSignal): Promise<void> {
    return this.driver.purge({ id: credibleId(id) }, signal);
  }

  async volumes(signal: AbortSignal): Promise<readonly StoredVolume[]> {
    return this.driver.volumes(signal);
  }

  async record(id: string, signal: AbortSignal): Promise<VolumeRecord | null> {
    return this.driver.record(credibleId(id), signal);
  }

  async numbers(signal: AbortSignal): Promise<ReadonlySet<number>> {
    return this.driver.numbers(signal);
  }

  async room(signal: AbortSignal): Promise<Room | null> {
    return this.driver.room(signal);
  }

  /** @throws TerminalError when it cannot be the row of a filesystem */
  #credible({ id, name, size, owner, scope, project, desiredRevision, number }: Volume): Volume {
    if (size.bytes < 1n || desiredRevision < 0n || !isCredibleNumber(number, this.capabilities.largestNumber))
      throw new TerminalError('The row of this filesystem cannot be true: its size, revision or number is none.');
    return {
      id: credibleId(id),
      name: credibleName(name),
      size: { bytes: size.bytes, text: credibleSizeText(size) },
      owner: credibleProject(owner),
      scope: SCOPES.find((each) => each === scope) ?? 'instance',
      project: project === null ? null : credibleProject(project),
      desiredRevision,
      number,
    };
  }
}

/** @throws TerminalError when it is no UUID */
function credibleId(id: string): string {
  if (!isCredibleId(id)) throw new TerminalError('The row of this filesystem cannot be true: its id is no UUID.');
  return id;
}
