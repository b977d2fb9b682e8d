import { configureBackends } from '../configured-backends';
import { countingRule } from '../counting-rule';
import { Conflict, InvalidInput, NotFound } from '../domain/errors';
import type { Settings } from '../gateway/settings';
import { noMetrics } from '../metrics';
import { packageVersion } from '../package-root';
import type { Driver } from '../ports/driver';
import { thisProcess } from '../process-identity';
import { DatabaseClock } from '../store/clock';
import { isOwner, requireSchema } from '../store/migrate';
import { openStores, type Stores } from '../store/stores';
import { type Adopted, type AdoptionWish, adopt, bringBack } from '../sync/adopt';
import { findOrphans, type Orphan, volumeOf } from '../sync/orphan';
import { recreate } from '../sync/recreate';
import { TimedDriver } from '../sync/timed-driver';

/** An orphan, and whom its backend lets in. */
export interface FoundOrphan extends Orphan {
  readonly backend: string;
  readonly addresses: readonly string[];
}

/** What of the settings decides where volumes are, and which addresses count. */
export type StorageSettings = Pick<Settings, 'backends' | 'networks' | 'addresses' | 'maxAddressesPerInstance'>;

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What an operator does by hand about volumes and rows that have lost each other (docs/operations.md), on the machine that has the storage. */
export class Storage {
  private constructor(
    private readonly stores: Stores,
    private readonly drivers: ReadonlyMap<string, Driver>,
  ) {}

  /**
   * @param only the backend to look at; undefined: all that are configured
   * @throws Error naming what is wrong with the settings; Unavailable
   */
  static async open(settings: StorageSettings, connectionString: string, only: string | undefined): Promise<Storage> {
    const clock = new DatabaseClock();
    const self = thisProcess();
    const { served, ownAddresses } = configureBackends(settings.backends, [], self);
    const rule = countingRule(settings, ownAddresses);
    const drivers = new Map(
      served
        .map(({ options: { name }, driver }) => [name, new TimedDriver(name, driver, clock, noMetrics)] as const)
        .filter(([name]) => only === undefined || name === only),
    );
    if (drivers.size === 0)
      throw new InvalidInput(
        `There is no backend ${only === undefined ? '' : `"${only}" `}with a driver in the settings.`,
      );
    const directory = { rule, canAsk: false };
    const stores = openStores(
      { connectionString, poolSize: 2 },
      clock,
      directory,
      self,
      null,
      SILENT,
      packageVersion(),
    );
    stores.database.open();
    await requireSchema(stores.database);
    if (!(await isOwner(stores.database)))
      throw new Conflict(
        'This role of the database sees the rows of its own backends alone, and may change none for you: use the DATABASE_URL of the API.',
      );
    await clock.measure(stores.database);
    return new Storage(stores, drivers);
  }

  /** Names of those that are looked at. */
  get backends(): readonly string[] {
    return [...this.drivers.keys()];
  }

  async close(): Promise<void> {
    await this.stores.close();
  }

  /** @throws Error where a backend cannot be looked at */
  async orphans(signal: AbortSignal): Promise<readonly FoundOrphan[]> {
    const all: FoundOrphan[] = [];
    for (const [backend, driver] of this.drivers) {
      await this.#requireOwn(backend, driver, signal);
      for (const found of await findOrphans(backend, this.stores.orphans, driver, signal)) {
        const orphan = { ...found, record: await driver.record(found.id, signal) };
        all.push({ ...orphan, backend, addresses: await driver.readAccess(volumeOf(orphan, driver), signal) });
      }
    }
    return all.toSorted((one, other) => byText(one.backend, other.backend) || byText(one.id, other.id));
  }

  /**
   * Makes the row of an orphan; the volume of a filesystem that was found lost is put back into service.
   * @returns null for the second
   * @throws NotFound, InvalidInput, Conflict
   */
  async adopt(id: string, wish: AdoptionWish, signal: AbortSignal): Promise<Adopted | null> {
    const { orphans } = this.stores;
    const row = await orphans.row(id);
    if (row?.lost) {
      await bringBack(id, orphans, await this.#driverOf(row.backend, signal), signal);
      return null;
    }
    const backend = await this.#placeOf(id, signal);
    return adopt(backend, id, wish, orphans, await this.#driverOf(backend, signal), signal);
  }

  /** @throws NotFound, Conflict */
  async recreate(id: string, signal: AbortSignal): Promise<void> {
    const { orphans } = this.stores;
    const row = await orphans.row(id);
    if (!row) throw new NotFound(`No filesystem has the id ${id}.`);
    await recreate(id, orphans, await this.#driverOf(row.backend, signal), signal);
  }

  /** The one backend that has the volume. */
  async #placeOf(id: string, signal: AbortSignal): Promise<string> {
    const places: string[] = [];
    for (const [backend, driver] of this.drivers) {
      await this.#requireOwn(backend, driver, signal);
      if ((await driver.volumes(signal)).some((each) => each.id === id)) places.push(backend);
    }
    const [place, ...others] = places;
    if (place === undefined)
      throw new NotFound(
        `No volume ${id} stands on ${[...this.drivers.keys()].map((each) => `"${each}"`).join(', ')}.`,
      );
    if (others.length > 0)
      throw new Conflict(
        `The volume ${id} stands on several backends, ${places.join(' and ')}: say which with --backend.`,
      );
    return place;
  }

  async #driverOf(backend: string, signal: AbortSignal): Promise<Driver> {
    const driver = this.drivers.get(backend);
    if (!driver) throw new NotFound(`Its backend "${backend}" is not among those that are configured here.`);
    await this.#requireOwn(backend, driver, signal);
    return driver;
  }

  /** Storage that is not mounted, or another deployment's, is not worked on. */
  async #requireOwn(backend: string, driver: Driver, signal: AbortSignal): Promise<void> {
    const identity = await this.stores.orphans.identity(backend);
    if (identity === null)
      throw new Conflict(`No gateway has served backend "${backend}" with this database yet: start one first.`);
    const marker = await driver.check(signal);
    if (marker !== identity)
      throw new Conflict(
        `The storage of backend "${backend}" has ${marker === null ? 'no marker' : `the marker ${marker}`}, the database expects ${identity}: is it mounted, and the right one?`,
      );
  }
}

function byText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
