import { statfs } from 'node:fs/promises';
import { readIfThere, replaceFile } from '../drivers/durable-file';
import { TerminalError } from '../ports/driver';

/** What is remembered beside an image: a file system cannot tell what it had free when it was empty. */
export interface ImageAccount {
  /** The size that was asked for. */
  readonly bytes: bigint;
  /** What an empty file system of `totalBytes` has free. */
  readonly emptyFreeBytes: bigint;
  readonly totalBytes: bigint;
}

/** What a mounted file system tells of itself, bytes. */
export interface Room {
  readonly totalBytes: bigint;
  readonly freeBytes: bigint;
}

/** @param target where it is mounted */
export async function roomOf(target: string): Promise<Room> {
  const { bsize, blocks, bavail } = await statfs(target, { bigint: true });
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
}

/**
 * What the file system has free when it is empty. Where a crash has come between its growth and the writing down, by its
 * share of the whole.
 */
export function capacity({ emptyFreeBytes, totalBytes }: ImageAccount, now: Room): bigint {
  return totalBytes === now.totalBytes ? emptyFreeBytes : (emptyFreeBytes * now.totalBytes) / totalBytes;
}

/** Bytes that are not free any more. */
export function usedBytes(account: ImageAccount, now: Room): bigint {
  const used = capacity(account, now) - now.freeBytes;
  return used > 0n ? used : 0n;
}

/** What a file system keeps of its growth for itself is at most this part. */
const KEPT_OF_GROWTH = 32n;

/**
 * What is known of a file system that has grown. How much it has grown is certain; of what was free before and after, only as
 * much is believed as can come of the growth: its users write and delete meanwhile, and could have it grow without an end.
 */
export function accountGrown(
  account: Pick<ImageAccount, 'emptyFreeBytes'>,
  before: Room,
  after: Room,
): Pick<ImageAccount, 'emptyFreeBytes' | 'totalBytes'> {
  const grown = after.totalBytes - before.totalBytes;
  const least = grown - grown / KEPT_OF_GROWTH;
  const seen = after.freeBytes - before.freeBytes;
  const more = seen < least ? least : seen > grown ? grown : seen;
  return { emptyFreeBytes: account.emptyFreeBytes + more, totalBytes: after.totalBytes };
}

/** @throws TerminalError when there is none that can be read */
export async function readAccount(file: string): Promise<ImageAccount> {
  const found = parseAccount(await readIfThere(file));
  if (!found)
    throw new TerminalError(
      `${file}, the account of an image, is missing or cannot be read: put it back from a backup.`,
    );
  return found;
}

export async function writeAccount(file: string, { bytes, emptyFreeBytes, totalBytes }: ImageAccount): Promise<void> {
  const facts = { bytes: String(bytes), emptyFreeBytes: String(emptyFreeBytes), totalBytes: String(totalBytes) };
  await replaceFile(file, `${JSON.stringify(facts)}\n`, 0o600);
}

/** @returns null when it is none */
export function parseAccount(text: string | null): ImageAccount | null {
  const found = /^\{"bytes":"(\d{1,19})","emptyFreeBytes":"(\d{1,19})","totalBytes":"([1-9]\d{0,18})"\}\n$/.exec(
    text ?? '',
  );
  if (!found) return null;
  const [, bytes = '', emptyFreeBytes = '', totalBytes = ''] = found;
  return { bytes: BigInt(bytes), emptyFreeBytes: BigInt(emptyFreeBytes), totalBytes: BigInt(totalBytes) };
}
