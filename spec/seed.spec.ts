import { ADMIN, type Api, MEMBER, startApi } from './support/api';

/** The samples of the specification, verbatim but for their quoting and missing commas, in its order. */
describe('the samples of the specification', () => {
  let api: Api;
  const owner = { ...MEMBER, projectId: 'project1' };
  beforeAll(async () => {
    api = await startApi();
    for (const [id, address] of [
      ['instance00001', '10.0.0.1'],
      ['instance00002', '10.0.0.2'],
    ] as const)
      await api.live(id, 'project1', address);
  });
  afterAll(() => api.stop());

  it('EXTENSION query', async () => {
    const answer = await api.send('get', '/extension', { as: owner });
    expect(answer.body).toEqual({
      extensions: [
        {
          updated: '2012-04-11T00:00:00+00:00',
          name: 'Shared_fs',
          links: [],
          namespace: 'http://docs.openstack.org/ext/shared_filesystem/api/v1.1',
          alias: 'os-shared-filesystem',
          description: 'Shared filesystem support',
        },
      ],
    });
  });

  it('Create a file system (project-wide)', async () => {
    const answer = await api.send('put', '/os-filesystem/homeforproject1', {
      as: owner,
      body: { fs_entry: { size: '4Gb', scope: 'project', project: 'project1' } },
    });
    expect(answer.body).toEqual({
      fs_entry: { name: 'homeforproject1', size: '4Gb', scope: 'project', project: 'project1' },
    });
    expect(answer.status).toBe(201);
  });

  it('Create a file system (instance)', async () => {
    const answer = await api.send('put', '/os-filesystem/instance2storage', {
      as: owner,
      body: { fs_entry: { size: '80Gb', scope: 'instance' } },
    });
    expect(answer.body).toEqual({ fs_entry: { name: 'instance2storage', size: '80Gb', scope: 'instance' } });
    expect(answer.status).toBe(201);
  });

  it('Get list of available file systems', async () => {
    const answer = await api.send('get', '/os-filesystem', { as: owner });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      fs_entries: [
        { name: 'homeforproject1', size: '4Gb', scope: 'project', project: 'project1' },
        { name: 'instance2storage', size: '80Gb', scope: 'instance' },
      ],
    });
  });

  it('Delete a file system', async () => {
    await api.make('other', { size: '1Gb', scope: 'instance' }, owner);
    expect((await api.send('delete', '/os-filesystem/other', { as: owner })).status).toBe(202);
    expect((await api.send('delete', '/os-filesystem/none', { as: owner })).status).toBe(404);
    await api.make('everybodys', { size: '1Gb', scope: 'global' }, ADMIN);
    expect((await api.send('delete', '/os-filesystem/everybodys', { as: owner })).status).toBe(403);
  });

  it('List instances connected to a file system', async () => {
    const answer = await api.send('get', '/os-filesystem/homeforproject1/instances', { as: owner });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ instance_entries: [{ id: 'instance00001' }, { id: 'instance00002' }] });
  });

  it('Connect an instance to a file system', async () => {
    const answer = await api.send('put', '/os-filesystem/instance2storage/instances/instance00001', { as: owner });
    expect(answer.body).toEqual({ instance_entry: { id: 'instance00001' } });
    expect(answer.status).toBe(201);
  });

  it('Remove an instance from a file system', async () => {
    const remove = (path: string, as = owner) => api.send('delete', `/os-filesystem/${path}`, { as });
    expect((await remove('instance2storage/instances/instance00001')).status).toBe(202);
    expect((await remove('instance2storage/instances/instance00002')).status).toBe(404);
    expect((await remove('none/instances/instance00001')).status).toBe(404);
    await api.make('granted', { size: '1Gb', scope: 'project', project: 'project1' }, ADMIN);
    expect((await remove('granted/instances/instance00001')).status).toBe(403);
  });
});
