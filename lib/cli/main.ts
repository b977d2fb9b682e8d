#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { packageRoot } from '../gateway/package-root';
import { readSettings } from '../gateway/settings';
import { HELP, readArguments } from './arguments';
import { createLogger } from './logger';
import { run } from './run';
import { stopSignal } from './stop-signals';
import type { StorageAsked } from './storage-arguments';
import { runStorageCommand } from './storage-command';

/** @returns the exit code */
async function main(): Promise<number> {
  const asked = readArguments(process.argv.slice(2));
  switch (asked.kind) {
    case 'help':
      process.stdout.write(HELP);
      return 0;
    case 'version':
      process.stdout.write(`${version()}\n`);
      return 0;
    case 'wrong':
      process.stderr.write(`${asked.message}\n`);
      return 2;
    case 'run':
      return serve();
    case 'orphans':
    case 'adopt':
    case 'recreate':
      return putRight(asked);
  }
}

async function putRight(asked: StorageAsked): Promise<number> {
  const stop = stopSignal((code) => process.exit(code));
  try {
    process.stdout.write(await runStorageCommand(asked, readSettings(process.env, process.cwd()), stop));
    return 0;
  } catch (error) {
    return complain(error);
  }
}

async function serve(): Promise<number> {
  const stop = stopSignal((code) => process.exit(code));
  try {
    const settings = readSettings(process.env, process.cwd());
    const logger = createLogger(settings.logLevel, process.stdout.isTTY);
    await run(settings, version(), logger, sayBesideTheLog, stop);
    return 0;
  } catch (error) {
    return complain(error);
  }
}

/** Says in a line or two why not. @returns the exit code */
function complain(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message.replace(/^/gm, 'nova-shared-filesystem: ')}\n`);
  if (process.env.LOG_LEVEL === 'debug') process.stderr.write(`${error instanceof Error ? error.stack : ''}\n`);
  return 1;
}

function sayBesideTheLog(text: string): void {
  process.stderr.write(text);
}

function version(): string {
  const { version: found } = JSON.parse(readFileSync(path.join(packageRoot(), 'package.json'), 'utf8'));
  return String(found);
}

// At the end nothing is left to do: what still holds the process (a pool of an extension that never started) does not matter.
void main().then((code) => process.exit(code));
