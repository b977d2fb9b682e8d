import { readFileSync, readlinkSync } from 'node:fs';
import type { ProcessIdentity } from './ports/process';

/**
 * This process, by boot, process namespace, pid and start time (proc(5)): a pid alone is used again, and says nothing in
 * another container. Where there is no `/proc`, no other process is ever known to be dead.
 */
export function thisProcess(): ProcessIdentity {
  const place = placeOf();
  const start = startTime(process.pid);
  if (place === null || start === null)
    return { text: `somewhere/${process.pid}/${process.hrtime.bigint()}`, isDead: () => false };
  return {
    text: `${place}/${process.pid}/${start}`,
    isDead: (text) => {
      const [boot, namespace, pid, startedAt] = text.split('/');
      return `${boot}/${namespace}` === place && startTime(Number(pid)) !== startedAt;
    },
  };
}

/** The boot of this machine and the process namespace in it; null where that cannot be told. */
function placeOf(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return null;
  }
}

/** Clock ticks from boot to the start of a process; null when there is no such process, or it is a zombie. */
function startTime(pid: number): string | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  try {
    // Behind the name in parentheses, which may hold anything: state is field 3, the start time field 22 (proc(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
