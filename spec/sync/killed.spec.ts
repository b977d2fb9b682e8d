import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { DatabaseClock } from '../../lib/store/clock';
import { migratedDatabase } from '../support/database';
import type { ReconcilerProcessSettings } from '../support/reconciler-process';
import { aFilesystem, anObservation, storesOver } from '../support/stores';

const SUPPORT = path.join(__dirname, '..', 'support');

describe('a reconciler that is killed', () => {
  let url: string;
  let drop: () => Promise<void>;
  let folder: string;
  let stores: ReturnType<typeof storesOver>;
  const clock = new DatabaseClock();
  const processes = new Set<ChildProcess>();

  beforeEach(async () => {
    ({ url, drop } = await migratedDatabase());
    folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
    stores = storesOver(url, clock);
    await clock.measure(stores.database);
  });
  afterEach(async () => {
    for (const each of processes) await kill(each);
    await stores.database.close();
    await drop();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (settings: Partial<ReconcilerProcessSettings> = {}): ChildProcess => {
    const all = { url, folder, haltAt: null, haltWith: '', elsewhere: false, ...settings };
    const program = [path.join(SUPPORT, 'reconciler-process.ts'), JSON.stringify(all)];
    const child = spawn(process.execPath, ['-r', path.join(SUPPORT, 'run-typescript.cjs'), ...program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    processes.add(child);
    return child;
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    processes.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const exported = async (id: string): Promise<readonly string[]> => {
    const text = await readFile(path.join(folder, 'exports', `${id}.exports`), 'utf8');
    return text.match(/10\.0\.0\.\d+(?=\()/g) ?? [];
  };
  /** Resolves when the backend has been confirmed to have what should hold. @returns Postgres' time then */
  const settled = async (id: string): Promise<Date> => {
    for (;;) {
      const [row] = await stores.database.query<{ time: Date }>(
        `select clock_timestamp() as time from filesystems
         where id = $1 and applied_revision = desired_revision and next_attempt is null`,
        [id],
      );
      if (row) return row.time;
    }
  };
  const leaseEnd = async (id: string): Promise<Date> => {
    const [row] = await stores.database.query<{ next_attempt: Date }>(
      'select next_attempt from filesystems where id = $1 and leased_by is not null',
      [id],
    );
    if (!row) throw new Error('nobody has a lease');
    return row.next_attempt;
  };
  const live = (id: string, address: string) => anObservation(clock, id, { addresses: [address] });

  const granting = async () => {
    await stores.instances.apply([live('vm', '10.0.0.1')]);
    const { id } = await aFilesystem(stores);
    return { id, wanted: ['10.0.0.1'] };
  };
  const withdrawing = async () => {
    await stores.instances.apply([live('vm', '10.0.0.1'), live('stays', '10.0.0.2')]);
    const { id } = await aFilesystem(stores);
    const first = start();
    await settled(id);
    await kill(first);
    await stores.instances.apply([anObservation(clock, 'vm', { state: 'gone' })]);
    return { id, wanted: ['10.0.0.2'] };
  };
  const points = [
    ['claimed', 'grants', granting, '10.0.0.1'],
    ['called', 'grants', granting, '10.0.0.1'],
    ['claimed', 'withdraws', withdrawing, '!10.0.0.1'],
    ['called', 'withdraws', withdrawing, '!10.0.0.1'],
  ] as const;

  it.each(points)(
    '%s, in a run that %s, is made good at once when it starts again',
    async (haltAt, _, change, haltWith) => {
      const { id, wanted } = await change();
      const killed = start({ haltAt, haltWith });
      expect(await once(killed, 'message')).toEqual([haltAt, undefined]);
      await kill(killed);

      const end = await leaseEnd(id);
      start();
      expect((await settled(id)).getTime()).toBeLessThan(end.getTime());
      expect(await exported(id)).toEqual(wanted);
    },
  );

  it.each(points.slice(2))(
    '%s, in a run that %s, is made good by another machine when its lease has run out',
    async (haltAt, _, change, haltWith) => {
      const { id, wanted } = await change();
      const killed = start({ haltAt, haltWith, elsewhere: true });
      await once(killed, 'message');
      const end = await leaseEnd(id);
      const other = start();
      await kill(killed);

      expect((await settled(id)).getTime()).toBeGreaterThanOrEqual(end.getTime());
      expect(await exported(id)).toEqual(wanted);
      await kill(other);
    },
  );

  it('before it could claim loses nothing', async () => {
    await kill(start());
    const { id, wanted } = await withdrawing();
    start();
    await settled(id);
    expect(await exported(id)).toEqual(wanted);
  });
});
