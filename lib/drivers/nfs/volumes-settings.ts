import * as path from 'node:path';
import { KINDS, MOUNTS, VOLUMES } from '../../volume-program/verbs';
import type { Command, Settings } from '../settings';
import { DirectoryVolumes } from './directory-volumes';
import { ProgramVolumes } from './program-volumes';
import type { NfsVolumes } from './server';
import { VolumeProgram } from './volume-program';

const MODE = /^[0-7]{3,4}$/;
const PROGRAM: Command = ['/usr/bin/sudo', '-n', '/usr/local/bin/nova-shared-filesystem-volume'];

/**
 * Reads the setting `volumes` of a backend with driver `nfs` (docs/drivers.md).
 * @returns the volumes, and the folder that they are exported from
 * @throws Error naming a setting that is wrong
 */
export function readVolumes(settings: Settings): {
  readonly storage: NfsVolumes;
  readonly exported: string;
  /** Whether each volume is mounted there by itself. */
  readonly mounted: boolean;
} {
  const kind = settings.word('kind', ['directory', ...KINDS]);
  const root = path.resolve(settings.text('root'));
  if (kind === 'directory') {
    const mode = settings.text('mode', '1777');
    if (!MODE.test(mode)) throw settings.wrong('mode', 'expected an octal mode such as "1777"');
    settings.end();
    return { storage: new DirectoryVolumes(root, Number.parseInt(mode, 8)), exported: root, mounted: false };
  }
  const mounts = kind === 'project-quota' ? null : path.resolve(settings.text('mounts', MOUNTS));
  const program = settings.command('program', PROGRAM) ?? PROGRAM;
  settings.end();
  return {
    storage: new ProgramVolumes(kind, root, mounts, new VolumeProgram(program)),
    exported: mounts ?? path.join(root, VOLUMES),
    mounted: mounts !== null,
  };
}
