import type { Filesystem } from '../domain/filesystem';
import type { FilesystemView } from '../ports/filesystem-store';
import type { Call } from './call';
import { waitSeconds, waitUntil } from './prefer';
import type { HttpServices } from './services';

/** A filesystem after a change. */
interface Reached {
  /** As the caller sees it; null: it has gone since. */
  readonly view: FilesystemView | null;
  /** Whether the backend had caught up when it was looked at, after a wait that was asked for. */
  readonly isReached: boolean;
  /** `Preference-Applied`, when the caller asked to wait. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads the filesystem; with `Prefer: wait` once its backend has caught up, or has failed, or the time is over. */
export async function viewReached(
  services: HttpServices,
  call: Call,
  { id, name }: Pick<Filesystem, 'id' | 'name'>,
): Promise<Reached> {
  const { filesystems } = services;
  const find = () => filesystems.find(name, call.caller);
  const seconds = waitSeconds(call.headers.prefer);
  if (seconds === null) return { view: await find(), isReached: false, headers: {} };
  const ended = await waitUntil(services, id, seconds, call, async () => {
    const now = await find();
    return !now || now.filesystem.status === 'error' || inStep(now.filesystem) ? { view: now } : null;
  });
  const view = ended ? ended.view : await find();
  return {
    view,
    isReached: view !== null && inStep(view.filesystem),
    headers: { 'Preference-Applied': `wait=${seconds}` },
  };
}

function inStep({ status, desiredRevision, appliedRevision }: Filesystem): boolean {
  return status === 'available' && desiredRevision === appliedRevision;
}
