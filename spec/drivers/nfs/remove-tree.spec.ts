import * as promises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { removeTree } from '../../../lib/drivers/nfs/remove-tree';

const { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } =
  jest.requireActual<typeof promises>('node:fs/promises');
const STEPS = ['chmod', 'lstat', 'open', 'opendir', 'rename', 'rmdir', 'unlink'] as const;

/** Called before each step on files. */
let before: () => Promise<void> = async () => undefined;
jest.mock('node:fs/promises', () => {
  const actual =
    jest.requireActual<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>('node:fs/promises');
  const steps = ['chmod', 'lstat', 'open', 'opendir', 'rename', 'rmdir', 'unlink'];
  return {
    ...actual,
    ...Object.fromEntries(
      steps.map((step) => [
        step,
        async (...args: readonly unknown[]) => {
          await before();
          return actual[step]?.(...args);
        },
      ]),
    ),
  };
});

describe('removeTree', () => {
  const { signal } = new AbortController();
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
    await mkdir(path.join(folder, 'outside/below'), { recursive: true });
    await writeFile(path.join(folder, 'outside/file'), '');
    await writeFile(path.join(folder, 'outside/below/file'), '');
    await mkdir(path.join(folder, 'volume/victim/below'), { recursive: true });
    await writeFile(path.join(folder, 'volume/victim/file'), '');
    await writeFile(path.join(folder, 'volume/victim/below/file'), '');
    await promises.chmod(path.join(folder, 'volume/victim/below'), 0);
  });
  afterEach(async () => {
    before = async () => undefined;
    await rm(folder, { recursive: true, force: true });
  });

  /** @returns how many steps there were; before the step of that number a link takes the place of the victim */
  const removeWithSwapAt = async (at: number): Promise<number> => {
    let step = 0;
    before = async () => {
      step += 1;
      if (step !== at) return;
      const victim = path.join(folder, 'volume/victim');
      await rename(victim, path.join(folder, 'volume/away')).catch(() => undefined);
      await symlink(path.join(folder, 'outside'), victim).catch(() => undefined);
    };
    // what is put there behind its back may be left for the next call
    await removeTree(path.join(folder, 'volume'), signal).catch(() => undefined);
    before = async () => undefined;
    return step;
  };

  it('removes nothing outside, whenever a link takes the place of a folder', async () => {
    const steps = await removeWithSwapAt(0);
    expect(await readdir(folder)).toEqual(['outside']);
    expect(steps).toBeGreaterThan(STEPS.length);
    for (let at = 1; at <= steps; at += 1) {
      await rm(path.join(folder, 'volume'), { recursive: true, force: true });
      await mkdir(path.join(folder, 'volume/victim/below'), { recursive: true });
      await writeFile(path.join(folder, 'volume/victim/file'), '');
      await writeFile(path.join(folder, 'volume/victim/below/file'), '');
      const { mode } = await promises.stat(path.join(folder, 'outside'));
      await removeWithSwapAt(at);
      expect(await readdir(path.join(folder, 'outside'), { recursive: true })).toHaveLength(3);
      expect((await promises.stat(path.join(folder, 'outside'))).mode).toBe(mode);
      await removeTree(path.join(folder, 'volume'), signal);
      expect(await readdir(folder)).toEqual(['outside']);
    }
  });
});
