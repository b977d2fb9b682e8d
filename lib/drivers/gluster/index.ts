import * as path from 'node:path';
import { parseAddress } from '../../domain/address';
import type { Driver } from '../../ports/driver';
import type { ProcessIdentity } from '../../ports/process';
import { run } from '../run';
import type { Command, Settings } from '../settings';
import { BrickData } from './brick-data';
import { GlusterCommand } from './command';
import { GlusterDriver } from './driver';
import { type BrickRoot, Layout } from './layout';
import { Marker } from './marker';
import { checkOptions } from './options';
import { VolumeLocks } from './volume-locks';
import { VolumeMaker } from './volume-maker';
import { GlusterVolumes } from './volumes';

const GLUSTER: Command = ['/usr/sbin/gluster'];
/** `true`: on this machine, by this process. */
const HERE: Command = ['/usr/bin/env'];
const LOCKS = '/run/lock/nova-shared-filesystem';
const BRICK = /^(?<host>[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}):(?<path>(\/[A-Za-z0-9._-]+)+)$/;
/** Bricks take 0.1 to 0.5 s; 5 s on a machine that is busy. */
const PARTING_MILLISECONDS = 20_000;
/** More copies than anybody keeps. */
const MOST_COPIES = 8;

/**
 * Reads the settings of a backend with driver `gluster` (docs/drivers.md).
 * @param around what it works with: what starts its programs, and how long bricks may take to part with clients
 * @throws Error naming a setting that is wrong
 */
export function createGlusterDriver(
  settings: Settings,
  text: string,
  self: ProcessIdentity,
  around = { run, partingMilliseconds: PARTING_MILLISECONDS },
): Driver {
  const host = settings.host('exportAddress');
  const roots = brickRoots(settings);
  const replica = settings.number('replica', 1, 1, MOST_COPIES);
  if (roots.length % replica !== 0)
    throw settings.wrong('replica', `the ${roots.length} bricks cannot be divided into sets of ${replica}`);
  const force = settings.word('bricksOn', ['own-disk', 'any-disk'], 'own-disk') === 'any-disk';
  const command = settings.command('command', GLUSTER) ?? GLUSTER;
  const brickCommand = settings.command('brickCommand', HERE);
  if (!brickCommand)
    throw settings.wrong(
      'brickCommand',
      'it is needed to destroy data: true where all bricks are on this machine, else a list such as ["/usr/bin/ssh", "root@{host}"]',
    );
  if (new Set(roots.map((root) => root.host)).size > 1 && !brickCommand.some((each) => each.includes('{host}')))
    throw settings.wrong('brickCommand', 'bricks are on several hosts: expected a command with {host}');
  const options = optionsOf(settings);
  const lockDirectory = path.resolve(settings.text('lockDirectory', LOCKS));
  settings.end();

  const volumes = new GlusterVolumes(new GlusterCommand(command, around.run), around.partingMilliseconds);
  const layout = new Layout(roots, replica, force, options);
  return new GlusterDriver(
    volumes,
    new VolumeMaker(volumes, layout),
    new Marker(volumes, layout),
    layout,
    new BrickData(brickCommand, around.run),
    new VolumeLocks(lockDirectory, self),
    host,
    text,
    [host, ...roots.map((root) => root.host)].flatMap((each) => parseAddress(each) ?? []),
  );
}

function brickRoots(settings: Settings): readonly BrickRoot[] {
  const texts = settings.texts('bricks', []);
  const roots = texts.map((text) => {
    const { host, path: folder } = BRICK.exec(text)?.groups ?? {};
    if (host === undefined || folder === undefined || folder.split('/').some((each) => each === '.' || each === '..'))
      throw settings.wrong('bricks', `"${text}" is no "host:/path" of A-Z a-z 0-9 . _ -`);
    return { host, path: folder };
  });
  if (roots.length === 0) throw settings.wrong('bricks', 'expected a list such as ["10.20.0.5:/bricks/one/volumes"]');
  if (new Set(texts).size < texts.length) throw settings.wrong('bricks', 'one is there twice');
  return roots;
}

function optionsOf(settings: Settings): ReadonlyMap<string, string> {
  try {
    return checkOptions(settings.texts('options', []));
  } catch (error) {
    throw settings.wrong('options', error instanceof Error ? error.message : String(error));
  }
}
