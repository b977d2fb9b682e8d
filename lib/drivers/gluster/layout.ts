import { TerminalError } from '../../ports/driver';
import { checked } from './command';
import type { GlusterVolume } from './volume-info';

/** A brick's host, and the folder on it that has a folder a volume. */
export interface BrickRoot {
  readonly host: string;
  readonly path: string;
}

/** Where volumes are kept, and how. */
export class Layout {
  /**
   * @param replica how often each file is kept; the number of roots is a multiple
   * @param force take bricks on the disk of the operating system, and several of one replica set on a host
   * @param options further options of each volume, checked
   */
  constructor(
    private readonly roots: readonly BrickRoot[],
    readonly replica: number,
    readonly force: boolean,
    readonly options: ReadonlyMap<string, string>,
  ) {}

  /** The bricks of a new volume, `host:/path/<name>`. */
  bricksOf(name: string): readonly string[] {
    return this.roots.map(({ host, path }) => `${host}:${path}/${checked(name)}`);
  }

  /**
   * The folders of a volume that is there, to be removed: those that its own description names, as long as they are what we make.
   * @throws TerminalError for a brick that an operator has put somewhere else
   */
  foldersOf({ name, bricks }: GlusterVolume): readonly BrickRoot[] {
    return bricks.map((brick) => {
      const root = this.roots.find(({ host, path }) => brick === `${host}:${path}/${name}`);
      if (!root)
        throw new TerminalError(
          'The volume has a brick outside the configured folders: an operator has to remove its data and the volume.',
        );
      return { host: root.host, path: `${root.path}/${checked(name)}` };
    });
  }
}
