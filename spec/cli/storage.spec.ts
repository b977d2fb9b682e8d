import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { Storage } from '../../lib/cli/storage';
import { BACKEND, freshStores, type Stores } from '../support/stores';

const { signal } = new AbortController();

const OPTIONS = 'rw,sync,no_subtree_check,root_squash,secure,sec=sys';

describe('what an operator does by hand about storage', () => {
  let stores: Stores;
  let folder: string;
  let storage: Storage | null = null;
  beforeEach(async () => {
    stores = await freshStores();
    folder = await mkdtemp(path.join(tmpdir(), 'storage-'));
    await mkdir(inVolumes());
    await mkdir(path.join(folder, 'exports'));
    const identity = await stores.orphans.identity(BACKEND.name);
    await writeFile(inVolumes('.shared-filesystem-backend'), `${identity}\n`);
  });
  afterEach(async () => {
    await storage?.close();
    storage = null;
    await stores.close();
    await rm(folder, { recursive: true });
  });

  const inVolumes = (...names: string[]) => path.join(folder, 'volumes', ...names);
  const exportsFile = (id: string) => path.join(folder, 'exports', `${id}.exports`);
  const backend = (name: string) => ({
    name,
    driver: 'nfs',
    server: 'exports-file',
    volumes: { kind: 'directory', root: inVolumes() },
    exports: { directory: path.join(folder, 'exports'), exportAddress: '192.0.2.1' },
  });
  const open = async (only?: string, names = [BACKEND.name]): Promise<Storage> => {
    const settings = {
      backends: names.map(backend),
      networks: null,
      addresses: ['fixed'],
      maxAddressesPerInstance: 8,
    } as const;
    storage = await Storage.open(settings, stores.url, only);
    return storage;
  };
  const anOrphan = async (name: string): Promise<string> => {
    const id = randomUUID();
    const record = { id, name, owner: 'demo', scope: 'global', project: null, size: '1Gb', revision: '7' };
    await mkdir(inVolumes(id));
    await writeFile(inVolumes(`${id}.json`), JSON.stringify(record));
    await writeFile(
      exportsFile(id),
      `# filesystem ${name}\n# id ${id}\n# revision 9\n${inVolumes(id)} \\\n  10.0.0.1(${OPTIONS},fsid=${id})\n`,
    );
    return id;
  };

  it('lists orphans with whom they let in, and changes nothing by it', async () => {
    const id = await anOrphan('mydata');
    const before = await readFile(exportsFile(id), 'utf8');
    const listed = await (await open()).orphans(signal);
    expect(listed).toMatchObject([
      { backend: 'default', id, retired: false, record: { name: 'mydata', revision: 7n }, addresses: ['10.0.0.1'] },
    ]);
    expect(await readFile(exportsFile(id), 'utf8')).toBe(before);
  });

  it('adopts one, closes it to whom no live instance holds, and goes above its list’s revision', async () => {
    const id = await anOrphan('mydata');
    expect(await (await open()).adopt(id, {}, signal)).toMatchObject({ id, name: 'mydata', retired: false });
    expect(await readFile(exportsFile(id), 'utf8')).not.toContain('10.0.0.1');
    const [row] = await stores.database.query(
      'select name, desired_revision, number, next_attempt from filesystems',
      [],
    );
    expect(row).toMatchObject({ name: 'mydata', desired_revision: '10', number: null, next_attempt: expect.any(Date) });
    expect(await storage?.orphans(signal)).toEqual([]);
  });

  it('works on no storage that is not mounted, or is another’s', async () => {
    const id = await anOrphan('mydata');
    const opened = await open();
    await writeFile(inVolumes('.shared-filesystem-backend'), `${randomUUID()}\n`);
    await expect(opened.orphans(signal)).rejects.toThrow(/has the marker .* the database expects/);
    await expect(opened.adopt(id, {}, signal)).rejects.toThrow(/has the marker/);
    await rename(inVolumes(), path.join(folder, 'unmounted'));
    await expect(opened.adopt(id, {}, signal)).rejects.toThrow(/has no marker/);
    expect(await stores.database.query('select 1 from filesystems', [])).toEqual([]);
  });

  it('says which backends there are, and which have never been served', async () => {
    await expect(open('other')).rejects.toThrow('There is no backend "other" with a driver in the settings.');
    await expect((await open(undefined, ['never'])).orphans(signal)).rejects.toThrow(
      /No gateway has served backend "never"/,
    );
  });

  it('finds nothing to do for an id that nobody has', async () => {
    const opened = await open();
    await expect(opened.adopt(randomUUID(), {}, signal)).rejects.toThrow(/No volume .* stands on "default"/);
    await expect(opened.recreate(randomUUID(), signal)).rejects.toThrow(/No filesystem has the id/);
  });
});
