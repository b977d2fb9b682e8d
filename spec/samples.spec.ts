import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { MARKER } from '../lib/drivers/nfs/marker';
import { readRequest } from '../lib/volume-program/arguments';
import { parseConfiguration } from '../lib/volume-program/configuration';
import { BACKEND_VERBS, MOUNTS, VOLUME_VERBS } from '../lib/volume-program/verbs';

const folder = path.resolve(__dirname, '../docs/samples');
const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');
const ID = '0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c';

describe('docs/samples', () => {
  it('has a sudoers rule with exactly the verbs of the volume program', () => {
    const forms = [...read('nova-shared-filesystem.sudoers').matchAll(/\^\(([a-z|-]+)\) (\S+)( \S+)?\$/g)];
    const [without = '', withNumber = ''] = forms.map(([, verbs]) => verbs);
    const needsNumber = new Map<string, boolean>([
      ...BACKEND_VERBS.map((verb) => [verb, false] as const),
      ...Object.entries(VOLUME_VERBS),
    ]);
    const verbs = (needed: boolean) => [...needsNumber].filter(([, each]) => each === needed).map(([verb]) => verb);
    expect(without.split('|').toSorted()).toEqual(verbs(false).toSorted());
    expect(withNumber.split('|').toSorted()).toEqual(verbs(true).toSorted());
    for (const verb of without.split('|')) expect(() => readRequest([verb, ID])).not.toThrow();
    for (const verb of withNumber.split('|')) expect(() => readRequest([verb, ID, '1'])).not.toThrow();
  });

  it('has a unit that mounts all before a server exports', () => {
    const text = read('nova-shared-filesystem-volumes.service');
    expect(text).toMatch(/^Before=.*nfs-server\.service nfs-ganesha\.service/m);
    expect(text).toMatch(/^ExecStart=.*mount-all/m);
    expect(text).toContain(MARKER);
    // a condition that is not so counts as a success
    expect(text).toMatch(/^AssertPathIsMountPoint=/m);
    expect(text).not.toMatch(/^Condition|^RemainAfterExit/m);
  });

  it('has configurations that the volume program reads', () => {
    const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
    const found = files.map((name) => parseConfiguration(read(name)));
    // in memory
    for (const { mounts } of found) expect([null, MOUNTS]).toContain(mounts);
    const kinds = found.map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual(['btrfs', 'image', 'project-quota']);
  });
});
