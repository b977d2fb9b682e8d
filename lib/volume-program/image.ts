import { chmod, type FileHandle, lstat, open, readFile, rmdir, truncate, unlink } from 'node:fs/promises';
import * as path from 'node:path';
import { isThere, removeFile } from '../drivers/durable-file';
import { errorCode } from '../error-code';
import { TerminalError } from '../ports/driver';
import {
  accountGrown,
  capacity,
  type ImageAccount,
  readAccount,
  roomOf,
  usedBytes,
  writeAccount,
} from './image-account';
import type { VolumeKind } from './kind';
import type { Layout } from './layout';
import { mountAt, mountsByPlace, mountVolume, unmountVolume } from './mounts';
import { pathOfTool, runTool, type Tool } from './tools';

const MIB = 1024n * 1024n;
/** xfsprogs makes none that is smaller. */
const SMALLEST_XFS = 300n * MIB;
const SMALLEST_EXT4 = 4n * MIB;
/** Below this, allocation groups of the default size would be so many when it has grown a hundredfold. */
const FEW_GROUPS_BELOW = 16n * 1024n * MIB;
/** Each time the file system is made with what the time before has lacked: two or three are enough. */
const ATTEMPTS = 6;
/** A file that has terabytes is freed in steps, so that no step takes long. */
const SLICE = 16n * 1024n * MIB;
/** 8 PiB: the largest number that is passed on as it is. */
const LARGEST_FILE = BigInt(Number.MAX_SAFE_INTEGER);
/** CAP_SYS_RESOURCE (capabilities(7)). */
const CAP_SYS_RESOURCE = 1n << 24n;

/** A sparse file a volume, with a file system of its own: no handle of another opens anything in it. */
export class ImageVolumes implements VolumeKind {
  constructor(
    private readonly layout: Layout,
    private readonly fileSystem: 'xfs' | 'ext4',
    private readonly mode: number,
  ) {}

  async check(): Promise<void> {
    const ofFileSystem: readonly Tool[] =
      this.fileSystem === 'xfs' ? ['mkfs.xfs', 'xfs_growfs'] : ['mkfs.ext4', 'resize2fs'];
    for (const tool of ['mount', 'umount', 'losetup', ...ofFileSystem] as const) await pathOfTool(tool);
  }

  /** An image that has room for that many bytes of data: what its file system keeps for itself is added. */
  async begin(id: string, bytes: bigint, signal: AbortSignal): Promise<string> {
    const smallest = this.fileSystem === 'xfs' ? SMALLEST_XFS : SMALLEST_EXT4;
    if (bytes < smallest)
      throw new TerminalError(`The smallest filesystem on this backend has ${smallest / MIB}Mb: ask for more.`);
    const begun = this.layout.begun(id);
    // a little less than what it takes: it is not to hold more than was asked for by much
    let image = roundUp(this.fileSystem === 'xfs' ? bytes + bytes / 128n + 64n * MIB : bytes + bytes / 64n + MIB);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const account = await this.#make(id, begun, bytes, image, signal);
      if (account.emptyFreeBytes >= bytes) {
        await writeAccount(accountOf(this.layout.volume(id)), account);
        return begun;
      }
      image = roundUp(image + lacking(bytes - account.emptyFreeBytes));
    }
    throw new Error(`no image of ${image} bytes has room for ${bytes}`);
  }

  async isMoreThan(id: string, bytes: bigint): Promise<boolean> {
    return (await readAccount(accountOf(this.layout.volume(id)))).bytes > bytes;
  }

  async mountable(file: string) {
    const type = await typeOf(file);
    // what is deleted in it is given back to the storage
    return { type, options: 'loop,discard', source: file };
  }

  async resize(id: string, bytes: bigint, signal: AbortSignal): Promise<void> {
    const file = this.layout.volume(id);
    const target = this.layout.mountPoint(id) ?? file;
    const account = await readAccount(accountOf(file));
    if (bytes < account.bytes)
      throw new TerminalError(
        'A filesystem on this backend cannot be made smaller: make a smaller one and copy what is in it.',
      );
    const type = await typeOf(file);
    if (bytes > account.bytes && type === 'ext4' && !(await mayResizeExt4()))
      throw new TerminalError(
        'This filesystem cannot grow on its filer as it is: growing ext4 needs the capability CAP_SYS_RESOURCE there.',
      );
    let now: ImageAccount = { ...account, emptyFreeBytes: capacity(account, await roomOf(target)) };
    for (let attempt = 0; now.emptyFreeBytes < bytes; attempt += 1) {
      if (attempt === ATTEMPTS) throw new Error(`this image cannot be made to hold ${bytes} bytes`);
      now = await this.#grow(file, target, type, now, lacking(bytes - now.emptyFreeBytes), signal);
    }
    if (bytes !== account.bytes) await writeAccount(accountOf(file), { ...now, bytes });
  }

  async usage(ids: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
    const mounted = await mountsByPlace();
    const used = new Map<string, bigint>();
    for (const id of ids) {
      const target = this.layout.mountPoint(id) ?? '';
      if (!mounted.has(target)) continue;
      // one that is retired in this moment, or has lost its account, holds up no other
      const account = await readAccount(accountOf(this.layout.volume(id))).catch(() => null);
      if (account) used.set(id, usedBytes(account, await roomOf(target)));
    }
    return used;
  }

  async numbers(): Promise<readonly number[]> {
    return [];
  }

  companions(file: string): readonly string[] {
    return [accountOf(file)];
  }

  async purge(id: string, signal: AbortSignal): Promise<boolean> {
    const file = this.layout.setAside(id);
    if (await isThere(file)) {
      const found = await lstat(file, { bigint: true });
      if (!found.isFile())
        throw new TerminalError('Something else stands where the volume of this filesystem should be.');
      for (let left = found.size; left > 0n; left -= SLICE) {
        if (signal.aborted) return false;
        await truncate(file, Number(left > SLICE ? left - SLICE : 0n));
      }
      await removeFile(file);
    }
    await removeFile(accountOf(file));
    return true;
  }

  /** Anew, from nothing, and measured where it will be mounted. */
  async #make(id: string, begun: string, bytes: bigint, image: bigint, signal: AbortSignal): Promise<ImageAccount> {
    const target = this.layout.mountPoint(id) ?? begun;
    await unmountVolume(target, signal);
    if (await isThere(begun)) await unlink(begun);
    const handle = await open(begun, 'wx', 0o600);
    try {
      await setLength(handle, image);
      await handle.sync();
    } catch (error) {
      await unlink(begun);
      throw error;
    } finally {
      await handle.close();
    }
    if (this.fileSystem === 'ext4')
      await runTool('mkfs.ext4', ['-q', '-F', '-m', '0', '-E', 'nodiscard', begun], signal);
    else
      await runTool(
        'mkfs.xfs',
        ['-q', '-f', '-K', ...(image < FEW_GROUPS_BELOW ? ['-d', 'agcount=2'] : []), begun],
        signal,
      );
    const { type, options, source } = await this.mountable(begun);
    await mountVolume(target, type, options, source, signal);
    try {
      if (type === 'ext4') await rmdir(path.join(target, 'lost+found'));
      await chmod(target, this.mode);
      const { totalBytes, freeBytes } = await roomOf(target);
      return { bytes, emptyFreeBytes: freeBytes, totalBytes };
    } finally {
      await unmountVolume(target, signal);
    }
  }

  /** While it is in use. */
  async #grow(
    file: string,
    target: string,
    type: 'xfs' | 'ext4',
    account: ImageAccount,
    more: bigint,
    signal: AbortSignal,
  ): Promise<ImageAccount> {
    const device = (await mountAt(target))?.source ?? '';
    if (!/^\/dev\/loop\d+$/.test(device))
      throw new TerminalError('The volume of this filesystem is not mounted by a loop device.');
    const { size } = await lstat(file, { bigint: true });
    const before = await roomOf(target);
    const handle = await open(file, 'r+');
    try {
      await setLength(handle, roundUp(size + more));
    } finally {
      await handle.close();
    }
    await runTool('losetup', ['-c', device], signal);
    if (type === 'xfs') await runTool('xfs_growfs', [target], signal);
    else await runTool('resize2fs', [device], signal);
    const after = await roomOf(target);
    const grown = { ...account, ...accountGrown(account, before, after) };
    await writeAccount(accountOf(file), grown);
    return grown;
  }
}

/** Where an image's account is. */
function accountOf(file: string): string {
  return file.replace(/\.img$/, '.account');
}

/** What to add when so much is lacking: of what is added, the file system keeps some again. */
function lacking(bytes: bigint): bigint {
  return bytes + bytes / 32n + MIB;
}

function roundUp(bytes: bigint): bigint {
  return ((bytes + MIB - 1n) / MIB) * MIB;
}

/** @throws TerminalError for what no file can have */
async function setLength(handle: FileHandle, bytes: bigint): Promise<void> {
  try {
    if (bytes > LARGEST_FILE) throw Object.assign(new Error('no file is so large'), { code: 'EFBIG' });
    await handle.truncate(Number(bytes));
  } catch (cause) {
    if (errorCode(cause) !== 'EFBIG') throw cause;
    throw new TerminalError(
      "This size is more than a file on the backend's storage can have: ask for a smaller filesystem.",
      { cause },
    );
  }
}

/** Which file system an image has, by its superblock: the configuration is of new ones. */
async function typeOf(file: string): Promise<'xfs' | 'ext4'> {
  const handle = await open(file, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(2048), 0, 2048, 0);
    if (buffer.toString('latin1', 0, 4) === 'XFSB') return 'xfs';
    if (buffer.readUInt16LE(1024 + 56) === 0xef53) return 'ext4';
  } finally {
    await handle.close();
  }
  throw new TerminalError(
    'The image of this filesystem has no file system that can be read: an operator has to look at it.',
  );
}

async function mayResizeExt4(): Promise<boolean> {
  const effective = /^CapEff:\t([0-9a-f]{16})$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1];
  return effective !== undefined && (BigInt(`0x${effective}`) & CAP_SYS_RESOURCE) !== 0n;
}
