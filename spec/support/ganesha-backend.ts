import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import type { BusObject } from '../../lib/drivers/nfs/dbus';
import { DirectoryVolumes } from '../../lib/drivers/nfs/directory-volumes';
import { NfsDriver } from '../../lib/drivers/nfs/driver';
import { ExportFiles } from '../../lib/drivers/nfs/export-files';
import { ExportManager } from '../../lib/drivers/nfs/export-manager';
import { GaneshaCheck } from '../../lib/drivers/nfs/ganesha-check';
import { GaneshaIndex } from '../../lib/drivers/nfs/ganesha-index';
import { readGaneshaOptions } from '../../lib/drivers/nfs/ganesha-options';
import { GaneshaServer } from '../../lib/drivers/nfs/ganesha-server';
import { ServedExports } from '../../lib/drivers/nfs/served-exports';
import { thisProcess } from '../../lib/process-identity';
import type { Backend } from '../drivers/contract';
import { GaneshaStandIn } from './ganesha-stand-in';

/** What a spec knows of a folder with directories for volumes, and their export files. */
export interface GaneshaFolder {
  readonly folder: string;
  readonly root: string;
  readonly exports: string;
  readonly index: string;
  readonly configuration: string;
}

export function ganeshaFolder(folder: string): GaneshaFolder {
  const exports = path.join(folder, 'exports');
  return {
    folder,
    root: path.join(folder, 'volumes'),
    exports,
    index: path.join(exports, 'exports.conf'),
    configuration: path.join(folder, 'ganesha.conf'),
  };
}

/** The driver as its settings make it, but for the bus. */
export function ganeshaDriver({ root, exports, configuration }: GaneshaFolder, bus: BusObject): NfsDriver {
  const files = new ExportFiles(exports, '.conf', thisProcess());
  const manager = new ExportManager(bus);
  const server = new GaneshaServer(
    files,
    new GaneshaIndex(files),
    new ServedExports(manager),
    { pseudoRoot: '/volumes', options: readGaneshaOptions([]) },
    new GaneshaCheck(exports, configuration, manager),
  );
  return new NfsDriver(new DirectoryVolumes(root, 0o1777), server, { host: '192.0.2.1', path: '/volumes' }, '', []);
}

/** A stand-in of the server, and drivers over it. */
export interface GaneshaBackend extends GaneshaFolder {
  readonly bus: GaneshaStandIn;
  readonly make: () => NfsDriver;
}

/** Made in a folder of its own. */
export async function ganeshaOfStandIn(): Promise<GaneshaBackend> {
  const place = ganeshaFolder(await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-')));
  await writeFile(place.configuration, `%include "${place.index}"\n`);
  const bus = new GaneshaStandIn(place.index);
  return { ...place, bus, make: () => ganeshaDriver(place, bus) };
}

/** What happens to volumes that are directories, for the contract. */
export function directoriesOf(root: string): Pick<Backend, 'unmount' | 'removeVolume' | 'write' | 'files' | 'hasData'> {
  const isThere = (file: string) => stat(file).then(Boolean, () => false);
  return {
    unmount: async () => {
      await rename(root, `${root}.away`);
      await mkdir(root);
      return async () => {
        await rm(root, { recursive: true });
        await rename(`${root}.away`, root);
      };
    },
    removeVolume: (id) => rm(path.join(root, id), { recursive: true }),
    write: (id, bytes) => writeFile(path.join(root, id, randomUUID()), randomBytes(bytes)),
    files: (id) => readdir(path.join(root, id)).catch(() => null),
    hasData: async (id) => (await isThere(path.join(root, id))) || (await isThere(path.join(root, '.retired', id))),
  };
}
