import { createSharedFilesystemExtension } from '../../lib';
import { ADMIN, type Api, MEMBER, startApi } from '../support/api';

const NFS = {
  name: 'default',
  driver: 'nfs',
  server: 'exports-file',
  volumes: { kind: 'directory', root: '/nowhere/volumes' },
  exports: { directory: '/nowhere/exports', exportAddress: '192.0.2.1' },
};
const NAMES = ['plain', 'spare', 'apart'];

describe('an API that leaves the backends to others', () => {
  let api: Api;
  beforeAll(async () => {
    api = await startApi({
      backends: NAMES.map((name) => ({ name })),
      placement: [
        { project: 'wary', backend: ['plain', 'apart'], isolation: 'file-system' },
        { scope: 'global', backend: 'plain' },
        { scope: 'instance', project: ['demo', 'other'], backend: 'apart', isolation: 'file-system' },
        { backend: ['plain', 'spare'] },
      ],
    });
  });
  afterAll(() => api.stop());
  beforeEach(() => api.database.query('delete from backends', []));

  /** As a reconciler has told of itself just now. */
  const serve = async (name: string, isolation: 'file-system' | 'none', free = 1_000_000_000_000): Promise<void> => {
    await api.database.query(
      `insert into backends (name, identity, driver, fingerprint, isolation, room_free_bytes, room_promised_bytes, room_told)
       values ($1, gen_random_uuid(), 'nfs', 'x', $2, $3, 0, now())`,
      [name, isolation, free],
    );
    await api.database.query(`insert into backend_reconcilers values ($1, 'process', '1', 'x', 'up', null, now())`, [
      name,
    ]);
  };
  let made = 0;
  const put = (entry: object, as = MEMBER, name = `fs-${++made}`) =>
    api.send('put', `/os-filesystem/${name}`, { as, body: { fs_entry: { size: '1Gb', ...entry } } });
  const backendOf = async (answer: Awaited<ReturnType<typeof put>>): Promise<string> => {
    expect(answer.status).toBe(201);
    const shown = await api.send('get', `/os-filesystem/${answer.body.fs_entry.name}`, { as: ADMIN });
    return shown.body.fs_entry.backend;
  };
  const wary = { ...MEMBER, projectId: 'wary' };

  it('places by scope, by project, and else where there is most room', async () => {
    await serve('plain', 'none', 10_000_000_000);
    await serve('spare', 'none', 90_000_000_000);
    await serve('apart', 'file-system');
    expect(await backendOf(await put({ scope: 'global' }, ADMIN))).toBe('plain');
    expect(await backendOf(await put({ scope: 'instance' }))).toBe('apart');
    expect(await backendOf(await put({ scope: 'project' }))).toBe('spare');
    expect(await backendOf(await put({ scope: 'project' }, wary))).toBe('apart');
  });

  it('counts what it has promised since the room was told', async () => {
    await serve('plain', 'none', 10 * 2 ** 30);
    await serve('spare', 'none', 9 * 2 ** 30);
    await api.database.query('delete from filesystems', []);
    await api.database.query(`update backends set room_told = now() - interval '1 second'`, []);
    const places: string[] = [];
    for (let count = 0; count < 4; count += 1)
      places.push(await backendOf(await put({ scope: 'project', size: '2Gb' })));
    expect(places).toEqual(['plain', 'spare', 'plain', 'spare']);
  });

  it('stores the wish where no process has ever served the backend, and says so', async () => {
    const answer = await put({ scope: 'project' });
    expect(await backendOf(answer)).toBe('plain');
    const shown = await api.send('get', `/os-filesystem/${answer.body.fs_entry.name}`);
    expect(shown.body.fs_entry).toMatchObject({
      status: 'creating',
      access: { state: 'updating', message: expect.stringMatching(/^No process serves the storage backend now/) },
    });
    expect(shown.body.fs_entry.backend).toBeUndefined();
  });

  it('answers 503 while a backend that may isolate has not told', async () => {
    await serve('plain', 'none');
    const answer = await put({ scope: 'project' }, wary, 'kept-apart');
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2']);
    await serve('apart', 'file-system');
    expect(await backendOf(await put({ scope: 'project' }, wary, 'kept-apart'))).toBe('apart');
  });

  it('answers 409 where no backend isolates, and makes nothing', async () => {
    await serve('plain', 'none');
    await serve('apart', 'none');
    expect((await put({ scope: 'project' }, wary, 'not-apart')).status).toBe(409);
    expect((await api.send('get', '/os-filesystem/not-apart', { as: wary })).status).toBe(404);
  });

  it('answers 409 to a scope that demands isolation, where the filesystem stands on a backend without it', async () => {
    await serve('plain', 'none');
    await serve('apart', 'file-system');
    await put({ scope: 'project' }, MEMBER, 'staying');
    const change = await put({ scope: 'instance' }, MEMBER, 'staying');
    expect([change.status, change.body.conflictingRequest.message]).toEqual([409, expect.stringMatching(/kept apart/)]);
    expect((await put({ scope: 'project', size: '2Gb' }, MEMBER, 'staying')).status).toBe(200);
  });

  it('lets a filesystem that is kept apart have another scope and come back', async () => {
    await serve('apart', 'file-system');
    await put({ scope: 'instance' }, MEMBER, 'moving');
    expect((await put({ scope: 'project' }, MEMBER, 'moving')).status).toBe(200);
    expect((await put({ scope: 'instance' }, MEMBER, 'moving')).status).toBe(200);
  });

  it('tells in its status of every backend, and that nobody serves it', async () => {
    const { ready, backends } = await api.extension.status();
    expect(ready).toBe(true);
    expect(backends.map(({ name, served }) => [name, served])).toEqual(NAMES.map((name) => [name, 'elsewhere']));
  });
});

describe('createSharedFilesystemExtension', () => {
  it.each<[string, object, RegExp]>([
    [
      'a rule for a backend that there is not',
      { backends: [{ name: 'a' }], placement: [{ backend: 'b' }] },
      /no backend named "b"/,
    ],
    ['rules without backends', { backends: [], placement: [{ backend: 'b' }] }, /no backend named "b"/],
    [
      'isolation that its drivers do not have',
      { backends: [NFS], placement: [{ backend: 'default', isolation: 'file-system' }] },
      /no volumes of default have a file system of their own/,
    ],
    ['settings without a driver', { backends: [{ name: 'a', server: 'exports-file' }] }, /"driver" is missing/],
  ])('refuses %s', async (_, options, message) => {
    const needed = { database: { connectionString: 'postgres://127.0.0.1:1/nothing' }, identity: () => null };
    await expect(createSharedFilesystemExtension({ ...needed, ...options })).rejects.toThrow(message);
  });
});
