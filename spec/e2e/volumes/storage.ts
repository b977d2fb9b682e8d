import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { parseMounts } from '../../../lib/volume-program/mounts';
import type { Backend } from '../../drivers/contract';

const exec = promisify(execFile);

/** The volume program as it is built, over a configuration of the spec's own: no environment makes it read another. */
const PROGRAM = (dist: string) => `const { runProgram } = require(${JSON.stringify(dist)});
process.umask(0o022);
runProgram(process.argv.slice(3), process.argv[2], { uid: 0, gid: 0 }).then(({ exitCode, answer, complaint }) => {
  if (answer) process.stdout.write(answer + '\\n');
  if (complaint) process.stderr.write(complaint + '\\n');
  process.exitCode = exitCode;
});
`;

/** What is on a spec's storage. */
export type StorageKind = 'btrfs' | 'xfs-images' | 'ext4-images' | 'directory';

/** Real storage of one kind in a folder of its own, with the built volume program. Root is needed. */
export class Storage {
  readonly root: string;
  readonly mounts: string;
  /** The setting `volumes` of a backend. */
  readonly volumes: Record<string, unknown>;

  private constructor(
    readonly folder: string,
    readonly kind: StorageKind,
  ) {
    this.root = path.join(folder, 'storage');
    this.mounts = path.join(folder, 'mounts');
    const { root, mounts } = this;
    const program = [process.execPath, path.join(folder, 'program.cjs'), path.join(folder, 'volumes.json')];
    this.volumes =
      kind === 'directory' ? { kind, root } : { kind: kind === 'btrfs' ? 'btrfs' : 'image', root, mounts, program };
  }

  static async make(kind: StorageKind): Promise<Storage> {
    if (process.getuid?.() !== 0) throw new Error('these specs make file systems: run them as root');
    const storage = new Storage(await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-e2e-')), kind);
    try {
      await storage.#make();
      return storage;
    } catch (error) {
      await storage.remove();
      throw error;
    }
  }

  async #make(): Promise<void> {
    const { folder, root, mounts, kind } = this;
    await chmod(folder, 0o755);
    await mkdir(root);
    if (kind === 'btrfs') {
      const image = path.join(folder, 'btrfs.img');
      await writeFile(image, '');
      await truncate(image, 8 * 1024 ** 3);
      await exec('mkfs.btrfs', ['-q', image]);
      await exec('mount', ['-o', 'loop', image, root]);
      await exec('btrfs', ['quota', 'enable', root]);
    }
    const fileSystem = kind === 'ext4-images' ? 'ext4' : 'xfs';
    const { program: _, ...volumes } = this.volumes;
    await writeFile(
      path.join(folder, 'volumes.json'),
      JSON.stringify({ ...volumes, root, mounts, fileSystem, rootOn: 'any-disk' }),
    );
    const dist = path.resolve(__dirname, '../../../dist/lib/volume-program/program.js');
    await writeFile(path.join(folder, 'program.cjs'), PROGRAM(dist));
  }

  /** Where a volume is seen by servers. */
  pathOf(id: string): string {
    return path.join(this.kind === 'directory' ? this.root : this.mounts, id);
  }

  /** What a volume is made of. */
  dataOf(id: string, folder: 'volumes' | 'retired' = 'volumes'): string {
    return path.join(this.root, folder, this.kind === 'btrfs' ? id : `${id}.img`);
  }

  async isMounted(id: string): Promise<boolean> {
    return parseMounts(await readFile('/proc/self/mountinfo', 'utf8')).some(({ target }) => target === this.pathOf(id));
  }

  /** As the start of a machine leaves it. */
  async unmountVolume(id: string): Promise<void> {
    await exec('umount', [this.pathOf(id)]);
  }

  /** What the contract's specs do to a backend over it. */
  get accidents(): Omit<Backend, 'driver' | 'another' | 'tearDown'> {
    return {
      unmount: async () => {
        await exec('mount', ['-t', 'tmpfs', 'none', this.root]);
        return async () => {
          await exec('umount', [this.root]);
        };
      },
      removeVolume: async (id) => {
        // a server may have it open
        await exec('umount', ['--lazy', this.pathOf(id)]);
        if (this.kind === 'btrfs') await exec('btrfs', ['subvolume', 'delete', this.dataOf(id)]);
        else await rm(this.dataOf(id));
      },
      write: async (id, bytes) => writeFile(path.join(this.pathOf(id), randomUUID()), randomBytes(bytes)),
      files: async (id) =>
        (await exists(this.dataOf(id))) && (await this.isMounted(id)) ? readdir(this.pathOf(id)) : null,
      hasData: async (id) => (await exists(this.dataOf(id))) || (await exists(this.dataOf(id, 'retired'))),
      refusesToGrow: this.kind === 'ext4-images' && !mayGrowExt4(),
    };
  }

  async remove(): Promise<void> {
    const mounts = parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
    for (const { target } of mounts.toReversed())
      if (`${target}/`.startsWith(`${this.folder}/`)) await exec('umount', [target]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** CAP_SYS_RESOURCE, which root has but in some containers. */
function mayGrowExt4(): boolean {
  const effective = /^CapEff:\t([0-9a-f]{16})$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return (BigInt(`0x${effective}`) & (1n << 24n)) !== 0n;
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
