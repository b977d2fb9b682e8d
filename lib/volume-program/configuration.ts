import { constants, open } from 'node:fs/promises';
import * as path from 'node:path';
import { UUID } from '../domain/uuid';
import { requireRootsFolder, wrongOwnership } from './ownership';
import { KINDS, type Kind, MOUNTS } from './verbs';

/** Where the program's configuration is. Nothing that a caller says can make it another. */
export const CONFIGURATION = '/etc/nova-shared-filesystem/volumes.json';

/** The storage of one filer. */
export interface Configuration {
  readonly kind: Kind;
  /** The root of the storage, absolute. */
  readonly root: string;
  /** Where each volume is mounted by itself, absolute; null for `project-quota`, whose volumes are exported where they are. */
  readonly mounts: string | null;
  /** Whether a root that is on the system's own disk is marked: it may be storage that is not mounted. */
  readonly rootOn: 'own-disk' | 'any-disk';
  /** What new images have. */
  readonly fileSystem: 'xfs' | 'ext4';
  /** Of the root directory of a new volume. */
  readonly mode: number;
  /** Which marker the storage must have; null: any. */
  readonly identity: string | null;
}

const FOLDER = /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)+$/;
/** Octal, without setuid and setgid. */
const MODE = /^[01]?[0-7]{3}$/;
const NAMES = ['kind', 'root', 'rootOn', 'mounts', 'fileSystem', 'mode', 'identity'];

/**
 * Reads the configuration, if nobody but root can have written it.
 * @throws Error
 */
export async function readConfiguration(file: string): Promise<Configuration> {
  await requireRootsFolder(path.dirname(file));
  try {
    // not opened twice: what was looked at is what is read
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = await handle.stat();
      const why = found.isFile() ? wrongOwnership(found) : 'is no regular file';
      if (why !== null) throw new Error(why);
      return parseConfiguration(await handle.readFile('utf8'));
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`The configuration ${file} cannot be used: ${why}.`, { cause });
  }
}

/** @throws Error naming what is wrong in it */
export function parseConfiguration(text: string): Configuration {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('expected an object');
  const said = value as Record<string, unknown>;
  const unknown = Object.keys(said).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new Error(`there is no setting "${unknown}"; known are ${NAMES.join(', ')}`);
  const kind = word(said, 'kind', KINDS);
  const root = folder(said, 'root');
  const mounts = kind === 'project-quota' ? null : folder(said, 'mounts', MOUNTS);
  if (mounts !== null && (isWithin(mounts, root) || isWithin(root, mounts)))
    throw new Error('"mounts" and "root" are not to be within each other');
  return {
    kind,
    root,
    mounts,
    rootOn: word(said, 'rootOn', ['own-disk', 'any-disk'], 'own-disk'),
    fileSystem: word(said, 'fileSystem', ['xfs', 'ext4'], 'xfs'),
    mode: Number.parseInt(matching(said, 'mode', MODE, '1777'), 8),
    identity: said.identity === undefined ? null : matching(said, 'identity', UUID),
  };
}

function word<Word extends string>(
  said: Record<string, unknown>,
  name: string,
  words: readonly Word[],
  otherwise?: Word,
): Word {
  const value = said[name] ?? otherwise;
  const found = words.find((each) => each === value);
  if (found === undefined) throw new Error(`"${name}" is to be one of ${words.join(', ')}`);
  return found;
}

function matching(said: Record<string, unknown>, name: string, form: RegExp, otherwise?: string): string {
  const value = said[name] ?? otherwise;
  if (typeof value !== 'string' || !form.test(value)) throw new Error(`"${name}" is wrong (docs/drivers.md)`);
  return value;
}

function folder(said: Record<string, unknown>, name: string, otherwise?: string): string {
  const value = said[name] ?? otherwise;
  if (typeof value !== 'string' || !FOLDER.test(value))
    throw new Error(`"${name}" is to be an absolute path of A-Z a-z 0-9 . _ - without . and .. and a slash at its end`);
  return value;
}

function isWithin(one: string, other: string): boolean {
  return `${one}/`.startsWith(`${other}/`);
}
