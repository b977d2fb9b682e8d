import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { readSettings, type Settings } from '../../lib/gateway/settings';

const read = (environment: Record<string, string> = {}): Settings => readSettings(environment, '/somewhere');

describe('readSettings', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'settings-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const backendsFile = (content: string): string => {
    const file = path.join(folder, 'backends.json');
    writeFileSync(file, content);
    return file;
  };

  it('needs no setting at all', () => {
    expect(read()).toMatchObject({
      host: '127.0.0.1',
      port: 8774,
      publicUrl: null,
      dataDirectory: '/somewhere/data',
      databaseUrl: null,
      development: true,
      networks: null,
      addresses: ['fixed'],
      deletionGraceSeconds: 0,
      eventReporters: [],
      maxLimit: 1000,
      logLevel: 'info',
    });
  });

  it('keeps volumes and exports files in the data directory by default', () => {
    const { backends } = read({ DATA_DIR: '/srv/data', EXPORT_ADDRESS: '10.0.0.5' });
    expect(backends).toEqual([
      {
        name: 'default',
        driver: 'nfs',
        server: 'exports-file',
        volumes: { kind: 'directory', root: '/srv/data/volumes' },
        exports: { directory: '/srv/data/exports', exportAddress: '10.0.0.5' },
      },
    ]);
  });

  it('takes the backends of a file instead', () => {
    const file = backendsFile('[{"name": "filer", "driver": "nfs", "more": {"of": "its own"}}]');
    expect(read({ BACKENDS: file }).backends).toEqual([{ name: 'filer', driver: 'nfs', more: { of: 'its own' } }]);
  });

  it('takes a name alone for a backend that another process works on', () => {
    expect(read({ BACKENDS: backendsFile('[{"name": "filer"}]') }).backends).toEqual([{ name: 'filer' }]);
  });

  it('takes rules of a file', () => {
    const rules = [
      { scope: 'global', backend: ['one', 'two'] },
      { project: ['p'], backend: 'two', isolation: 'file-system' },
      { backend: 'one' },
    ];
    const backends = [{ name: 'one' }, { name: 'two', driver: 'nfs' }];
    const file = backendsFile(JSON.stringify({ rules, backends }));
    expect(read({ BACKENDS: file })).toMatchObject({ backends, placement: rules });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(read({ PORT: '', NETWORKS: ' ' })).toMatchObject({ port: 8774, networks: null });
  });

  it('takes both kinds of addresses for both', () => {
    expect(read({ ADDRESSES: 'both' }).addresses).toEqual(['fixed', 'floating']);
  });

  it('follows no cloud where none is told', () => {
    expect(read()).toMatchObject({ compute: undefined, messageBus: undefined, resyncIntervalSeconds: 300 });
  });

  it('reads where the cloud is, and what its notifications are called', () => {
    const { compute, messageBus, largestWithdrawal } = read({
      COMPUTE_URL: 'http://nova:8774/v2.1',
      COMPUTE_TOKEN: 'secret',
      AMQP_URL: 'rabbit://nova:secret@one:5672,nova:secret@two:5672/nova',
      NOTIFICATIONS: 'versioned',
      AMQP_EXCHANGES: 'nova,nova-cell2',
      RESYNC_LARGEST_WITHDRAWAL: '5',
    });
    expect(compute).toEqual({ url: 'http://nova:8774/v2.1', token: 'secret' });
    expect(messageBus).toMatchObject({
      notifications: 'versioned',
      exchanges: ['nova', 'nova-cell2'],
      versionedTopic: 'versioned_notifications',
      legacyTopic: 'notifications',
      queue: undefined,
    });
    expect(largestWithdrawal).toBe(0.05);
  });

  it.each([
    [{ COMPUTE_URL: 'http://nova:8774/v2.1' }, 'COMPUTE_TOKEN is missing'],
    [{ COMPUTE_TOKEN: 'secret' }, 'COMPUTE_URL is missing'],
    [{ AMQP_URL: 'amqp://nova:secret@one,amqp://nova:other@two' }, 'AMQP_URL cannot be used'],
    [{ AMQP_URL: 'http://nova:secret@one' }, 'AMQP_URL cannot be used'],
  ])('refuses %p, and repeats no secret', (environment, words) => {
    expect(() => read(environment)).toThrow(words);
    expect(() => read(environment)).not.toThrow('secret');
  });

  it('reads lists with commas', () => {
    const { eventReporters, addresses } = read({ EVENT_REPORTERS: 'nova, monitor,', ADDRESSES: 'fixed,floating' });
    expect([eventReporters, addresses]).toEqual([
      ['nova', 'monitor'],
      ['fixed', 'floating'],
    ]);
  });

  it('lets no address count without NETWORKS, but in development', () => {
    expect([read({ IDENTITY: 'headers' }).networks, read({ IDENTITY: 'development' }).networks]).toEqual([
      undefined,
      null,
    ]);
  });

  it('serves its own extension by default', () => {
    expect(read().extensions).toEqual([path.resolve(__dirname, '../../extension.json')]);
  });

  it('takes paths of manifests for relative to the working directory', () => {
    expect(read({ EXTENSIONS: 'a.json,/b.json' }).extensions).toEqual(['/somewhere/a.json', '/b.json']);
  });

  it('takes the slash from the end of the public URL', () => {
    expect(read({ PUBLIC_URL: 'https://example.org/compute/' }).publicUrl).toBe('https://example.org/compute');
  });

  it.each([
    ['PORT', 'http', 'expected a whole number from 0 to 65535'],
    ['PORT', '65536', 'expected a whole number from 0 to 65535'],
    ['PORT', '-1', 'expected a whole number from 0 to 65535'],
    ['PORT', '0x10', 'expected a whole number from 0 to 65535'],
    ['IDENTITY', 'keystone', 'expected development or headers'],
    ['ADDRESSES', 'fixed,private', 'expected fixed, floating or both'],
    ['ADDRESSES', ',', 'expected fixed, floating or both'],
    ['PUBLIC_URL', 'example.org', 'expected an http or https URL, such as "https://compute.example.org"'],
    [
      'PUBLIC_URL',
      'https://user:secret@example.org',
      'expected an http or https URL, such as "https://compute.example.org"',
    ],
    ['MAX_LIMIT', '0', 'expected a whole number from 1 to 100000'],
    ['DELETION_GRACE', '1.5', 'expected a whole number of seconds, at most 315360000 (ten years)'],
    ['LOG_LEVEL', 'loud', 'expected debug, info, warn or error'],
    ['BACKENDS', '/nowhere.json', '/nowhere.json cannot be read'],
  ])('refuses %s=%s, and says what is expected', (name, text, message) => {
    expect(() => read({ [name]: text })).toThrow(`${name}="${text}" cannot be used: ${message}.`);
  });

  it.each([
    ['NETWORKS', '10.20.0.0/16,10.30.0.1/16', /^NETWORKS="10.20.0.0\/16,10.30.0.1\/16" cannot be used: .*no bit set/],
    ['NETWORKS', 'everything', /^NETWORKS="everything" cannot be used: /],
  ])('refuses %s=%s', (name, text, message) => {
    expect(() => read({ [name]: text })).toThrow(message);
  });

  it('refuses a trusted proxy that is none', () => {
    expect(() => read({ IDENTITY: 'headers', TRUSTED_PROXIES: '10.0.0.0/33' })).toThrow(
      /^TRUSTED_PROXIES="10.0.0.0\/33" cannot be used: "10.0.0.0\/33" is no range of addresses/,
    );
  });

  it('does not repeat a database URL that it refuses', () => {
    expect(() => read({ DATABASE_URL: 'mysql://root:secret@db/x' })).toThrow(
      /^DATABASE_URL cannot be used: (?!.*secret)/,
    );
  });

  it('names everything that is wrong at once', () => {
    expect(() => read({ PORT: 'x', LOG_LEVEL: 'x' })).toThrow(/^PORT=.*\nLOG_LEVEL=/);
  });

  it.each(['KEYSTONE_URL', 'KEYSTONE_PASSWORD', 'QUOTA_GIGABYTES', 'RESERVED_NAMES'])(
    'refuses %s, which it does not have, rather than pass it over',
    (name) => {
      expect(() => read({ [name]: '1' })).toThrow(`${name}: this version does not know this setting.`);
    },
  );

  it('passes over variables that are not its own', () => {
    expect(() => read({ HOME: '/root', constructor: 'x', npm_config_port: 'x' })).not.toThrow();
  });

  it.each([
    ['{', 'is not JSON'],
    ['{}', 'backends is missing'],
    ['[]', 'it expected a list of at least one backend'],
    ['[{"name": "a b", "driver": "nfs"}]', '0/name expected 1 to 63 of A-Z'],
    ['"filer"', 'it expected a list of backends, or an object with "backends" and "rules"'],
    ['{"backends": []}', 'backends expected a list of at least one backend'],
    ['{"backends": [{"name": "a"}], "rule": []}', 'rule is unknown'],
    ['{"backends": [{"name": "a"}], "rules": []}', 'rules expected a list of at least one rule'],
    ['{"backends": [{"name": "a"}], "rules": [{}]}', 'rules/0/backend is missing'],
    [
      '{"backends": [{"name": "a"}], "rules": [{"backend": 1}]}',
      "rules/0/backend expected a backend's name, or a list",
    ],
    [
      '{"backends": [{"name": "a"}], "rules": [{"backend": "a", "scope": "all"}]}',
      'rules/0/scope expected global, project or instance',
    ],
    [
      '{"backends": [{"name": "a"}], "rules": [{"backend": "a", "isolation": "none"}]}',
      'rules/0/isolation expected file-system',
    ],
  ])('refuses a BACKENDS file with %s', (content, message) => {
    const file = backendsFile(content);
    expect(() => read({ BACKENDS: file })).toThrow(message);
  });

  it('refuses EXPORT_ADDRESS beside BACKENDS, where it would mean nothing', () => {
    const file = backendsFile('[{"name": "filer", "driver": "nfs"}]');
    expect(() => read({ BACKENDS: file, EXPORT_ADDRESS: '10.0.0.5' })).toThrow(
      'EXPORT_ADDRESS is for the default backend',
    );
  });
});
