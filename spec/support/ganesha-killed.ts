import type { BusObject } from '../../lib/drivers/nfs/dbus';
import type { NfsDriver } from '../../lib/drivers/nfs/driver';
import type { Volume } from '../../lib/ports/driver';
import { aVolume } from '../drivers/contract';
import { type GaneshaFolder, ganeshaDriver } from './ganesha-backend';
import { killer } from './killer';

/** A server, real or not, over a folder of its own. */
export interface KilledBackend extends GaneshaFolder {
  readonly bus: BusObject;
  /** Stops the server, and starts it again. @throws Error when it does not start */
  restart(): Promise<void>;
  /** Whom an export lets in, as the server has it now; null: there is none. */
  served(number: number): Promise<readonly string[] | null>;
  tearDown(): Promise<void>;
}

const signal = new AbortController().signal;
const OLD = ['10.20.0.1', '10.20.0.2', '10.20.0.3'];
const NEW = ['10.20.0.2', '10.20.0.9'];

/** A process that is killed anywhere costs nobody his export, and lets in nobody. */
export function describeKilled(name: string, setUp: () => Promise<KilledBackend>): void {
  describe(`a process that is killed between two steps, with ${name}`, () => {
    let backend: KilledBackend;
    let bus: BusObject;
    const make = (): NfsDriver => ganeshaDriver(backend, bus);
    let others: readonly Volume[];
    let volume: Volume;
    beforeEach(async () => {
      killer.after(Number.POSITIVE_INFINITY);
      backend = await setUp();
      bus = backend.bus;
      const driver = make();
      await driver.mark('0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c', signal);
      others = [aVolume({ number: 1 }), aVolume({ number: 2 })];
      for (const each of others) {
        await driver.ensure(each, true, signal);
        await driver.syncAccess(each, { addresses: [`10.30.0.${each.number}`], revision: 1n }, true, signal);
      }
      volume = aVolume({ number: 3 });
      await driver.ensure(volume, true, signal);
      // before the call and behind it: its answer may be lost
      bus = {
        call: async (...args) => {
          killer.alive();
          const answer = await backend.bus.call(...args);
          killer.step(args[0]);
          return answer;
        },
      };
    });
    afterEach(() => backend?.tearDown());

    const sync = (addresses: readonly string[], revision: bigint, mayGrant: boolean) =>
      make().syncAccess(volume, { addresses, revision }, mayGrant, signal);
    const served = () => backend.served(3);

    /** Kills it behind each step, starts the server again, and does the work once more. */
    async function killedAnywhere(
      before: () => Promise<unknown>,
      work: () => Promise<unknown>,
      check: (clients: readonly string[] | null) => void,
    ): Promise<readonly string[]> {
      for (let steps = 1; ; steps += 1) {
        killer.after(Number.POSITIVE_INFINITY);
        await before();
        killer.after(steps);
        const killed = await work().then(
          () => false,
          () => true,
        );
        const done = killer.steps;
        killer.after(Number.POSITIVE_INFINITY);
        await restarted();
        check(await served());
        if (!killed) return done;
        await work();
        await restarted();
      }
    }

    /** Starts the server again, which then has all others. */
    async function restarted(): Promise<void> {
      await backend.restart();
      for (const each of others) {
        expect(await backend.served(each.number ?? 0)).toEqual([`10.30.0.${each.number}`]);
        expect(await make().readAccess(each, signal)).toEqual([`10.30.0.${each.number}`]);
      }
    }
    let revision = 1n;
    const letInOld = async () => {
      revision += 2n;
      await sync(OLD, revision, true);
    };

    it('of a creation leaves all others, and nobody but those who are to be let in', async () => {
      const steps = await killedAnywhere(
        () =>
          make()
            .retire(volume, signal)
            .then(() => make().restore(volume, signal)),
        () => sync(NEW, 1n, true),
        (clients) => expect([null, NEW]).toContainEqual(clients),
      );
      expect(steps).toEqual([`replaceFile ${volume.id}.conf`, 'replaceFile exports.conf', 'UpdateExport']);
      expect(await make().readAccess(volume, signal)).toEqual(NEW);
    });

    it('of a change leaves all others, and the old list or the new one', async () => {
      const steps = await killedAnywhere(
        letInOld,
        () => sync(NEW, revision + 1n, true),
        (clients) => expect([['10.20.0.1', '10.20.0.2/31'], NEW]).toContainEqual(clients),
      );
      expect(steps).toEqual([`replaceFile ${volume.id}.conf`, 'UpdateExport']);
    });

    it('of a withdrawal leaves all others, and nobody new', async () => {
      await killedAnywhere(
        letInOld,
        () => sync(NEW, revision + 1n, false),
        (clients) => expect([['10.20.0.1', '10.20.0.2/31'], ['10.20.0.2']]).toContainEqual(clients),
      );
    });

    it('of a removal leaves all others, and the server is told before the index, and the file goes last', async () => {
      const steps = await killedAnywhere(
        () => make().restore(volume, signal).then(letInOld),
        () => make().retire(volume, signal),
        () => undefined,
      );
      expect(steps).toEqual([
        'DisplayExport',
        'RemoveExport',
        'replaceFile exports.conf',
        `removeFile ${volume.id}.conf`,
      ]);
      expect(await served()).toBeNull();
    });
  });
}
