import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { readManifest } from '../../lib/gateway/manifest';

const OWN = path.resolve(__dirname, '../../extension.json');

const own = (): Record<string, unknown> => JSON.parse(readFileSync(OWN, 'utf8'));

describe('readManifest', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'manifest-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const written = (content: unknown): string => {
    const file = path.join(folder, 'extension.json');
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };

  it("reads this extension's own", () => {
    expect(readManifest(OWN)).toEqual({
      entry: {
        updated: '2012-04-11T00:00:00+00:00',
        name: 'Shared_fs',
        links: [],
        namespace: 'http://docs.openstack.org/ext/shared_filesystem/api/v1.1',
        alias: 'os-shared-filesystem',
        description: 'Shared filesystem support',
      },
      module: path.resolve(__dirname, '../../dist/lib/index.js'),
      factory: 'createSharedFilesystemExtension',
      mountPath: '/v1.1/:tenant',
    });
  });

  it('takes the module for relative to the manifest', () => {
    expect(readManifest(written({ ...own(), module: './code/main.js' })).module).toBe(
      path.join(folder, 'code/main.js'),
    );
  });

  it.each([
    ['no JSON', '{', 'is not JSON'],
    ['a list', [], 'it must be object'],
    ['no factory', { ...own(), factory: undefined }, 'factory is missing'],
    ['an unknown key', { ...own(), port: 1 }, 'port is unknown'],
    [
      'a mount path without a slash',
      { ...own(), mountPath: 'v1.1' },
      'mountPath expected a path such as "/v1.1/:tenant"',
    ],
    ['an entry without an alias', { ...own(), extension: {} }, 'extension/alias is missing'],
  ])('refuses one with %s, and says which', (_what, content, message) => {
    const file = written(content);
    expect(() => readManifest(file)).toThrow(new RegExp(`The manifest ${file} .*${message.replace(/[$/.]/g, '\\$&')}`));
  });

  it('names one that is not there', () => {
    expect(() => readManifest('/nowhere/extension.json')).toThrow(
      'The manifest /nowhere/extension.json cannot be read.',
    );
  });
});
