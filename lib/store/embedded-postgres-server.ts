import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { Socket } from 'node:net';
import * as path from 'node:path';
import type { Binaries } from './embedded-postgres-binaries';
import { ENVIRONMENT, nameFromWithin, type ServerFolder } from './embedded-postgres-folder';

/** A server that this process started. */
export interface Server {
  readonly pid: number;
  /** True once it has ended. */
  hasEnded(): boolean;
  /** Ends its sessions and then itself. */
  stop(): Promise<void>;
  /** What it wrote to its log since it started. */
  output(): Promise<string>;
}

// Becomes the server, and leaves a watchdog behind that stops it when the pipe closes without a word: when this process was
// killed. The watchdog is a grandchild, since the server takes an end of a child that it does not know for a crash.
const START = `
( ( read -r word <&3 || kill -INT $$ ) >/dev/null 2>&1 & )
exec "$@" 3<&-`;

const LOG_SIZE = 1_000_000;

/**
 * Starts a server on a Unix socket alone. It is in a session of its own: Ctrl-C in our terminal reaches us, and we stop it
 * when we no longer need it. It dies with us when we are killed. Its log is `postgres.log`, begun anew after a megabyte.
 */
export async function launch(
  folder: ServerFolder,
  { native }: Binaries,
  settings: Readonly<Record<string, string>>,
): Promise<Server> {
  const { account, data } = folder;
  const log = await open(path.join(folder.dir, 'postgres.log'), 'a+', 0o600);
  if ((await log.stat()).size > LOG_SIZE) await log.truncate();
  const begin = (await log.stat()).size;
  const all = { listen_addresses: '', unix_socket_directories: '../run', port: '5432', ...QUIET, ...settings };
  const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const program = [path.join(native, 'bin', 'postgres'), '-D', nameFromWithin(data, account), ...options];
  const child = spawn('/bin/sh', ['-c', START, 'sh', ...program], {
    ...account,
    cwd: data,
    env: ENVIRONMENT,
    detached: true,
    stdio: ['ignore', log.fd, log.fd, 'pipe'],
  });
  const pipe = child.stdio[3];
  let over = false;
  let failure = '';
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      over = true;
      // A word: there is nothing left to stop, and its pid may soon be another process's.
      if (pipe instanceof Socket) pipe.end('ended\n');
      log.close().then(resolve, resolve);
    };
    child.once('exit', end);
    child.once('error', (error) => {
      failure = `${error.message}\n`;
      end();
    });
  });
  // Neither keeps this process from ending when nothing else does: then the server goes, too.
  child.unref();
  if (pipe instanceof Socket) {
    pipe.on('error', () => undefined);
    pipe.unref();
  }
  return {
    pid: child.pid ?? -1,
    hasEnded: () => over,
    output: async () => {
      const reader = await open(path.join(folder.dir, 'postgres.log'), 'r');
      try {
        const { size } = await reader.stat();
        const { buffer, bytesRead } = await reader.read({
          buffer: Buffer.alloc(Math.max(0, size - begin)),
          position: begin,
        });
        return failure + buffer.subarray(0, bytesRead).toString().trim();
      } finally {
        await reader.close();
      }
    },
    stop: async () => {
      child.ref();
      child.kill('SIGINT');
      await ended;
    },
  };
}

/** Faults of statements are their callers' to log. */
const QUIET = { log_min_messages: 'log', log_checkpoints: 'off' };
