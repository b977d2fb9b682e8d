import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { requireMountsOfMachine } from '../../lib/volume-program/mount-points';

describe('requireMountsOfMachine', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Namespaces are links that point at their names. */
  const namespace = async (file: string, name: string) => {
    await symlink(name, path.join(folder, file));
    return path.join(folder, file);
  };

  it('refuses a process whose mounts no server sees', async () => {
    const [own, first] = [await namespace('own', 'mnt:[2]'), await namespace('first', 'mnt:[1]')];
    await expect(requireMountsOfMachine(own, first)).rejects.toThrow('ProtectSystem');
  });

  it('takes the first process of a container for that of the machine', async () => {
    const [own, first] = [await namespace('own', 'mnt:[2]'), await namespace('first', 'mnt:[2]')];
    await expect(requireMountsOfMachine(own, first)).resolves.toBeUndefined();
  });

  it('requires nothing where the first process cannot be looked at', async () => {
    const own = await namespace('own', 'mnt:[2]');
    await expect(requireMountsOfMachine(own, path.join(folder, 'none'))).resolves.toBeUndefined();
  });
});
