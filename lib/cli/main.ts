#!/usr/bin/env node
import { readSettings, type Settings } from '../gateway/settings';
import { packageVersion } from '../package-root';
import { HELP, readArguments } from './arguments';
import { createLogger } from './logger';
import { migrateAlone } from './migrate';
import { reconcile } from './reconcile';
import { run } from './run';
import { stopSignal } from './stop-signals';
import { runStorageCommand } from './storage-command';

/** @returns the exit code */
async function main(): Promise<number> {
  const asked = readArguments(process.argv.slice(2));
  switch (asked.kind) {
    case 'help':
      process.stdout.write(HELP);
      return 0;
    case 'version':
      process.stdout.write(`${packageVersion()}\n`);
      return 0;
    case 'wrong':
      process.stderr.write(`${asked.message}\n`);
      return 2;
    case 'run':
      return attempt((settings) =>
        run(settings, packageVersion(), loggerOf(settings), sayBesideTheLog, stopSignal(quit)),
      );
    case 'reconcile':
      return attempt((settings) =>
        reconcile(settings, asked.backends, packageVersion(), loggerOf(settings), stopSignal(quit)),
      );
    case 'migrate':
      return attempt(async (settings) => {
        process.stdout.write(await migrateAlone(settings, asked.change));
      });
    case 'orphans':
    case 'adopt':
    case 'recreate':
      return attempt(async (settings) => {
        process.stdout.write(await runStorageCommand(asked, settings, stopSignal(quit)));
      });
  }
}

/** @returns the exit code: what fails is said in a line */
async function attempt(work: (settings: Settings) => Promise<void>): Promise<number> {
  try {
    await work(readSettings(process.env, process.cwd()));
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message.replace(/^/gm, 'nova-shared-filesystem: ')}\n`);
    if (process.env.LOG_LEVEL === 'debug') process.stderr.write(`${error instanceof Error ? error.stack : ''}\n`);
    return 1;
  }
}

function loggerOf({ logLevel }: Settings) {
  return createLogger(logLevel, process.stdout.isTTY);
}

function sayBesideTheLog(text: string): void {
  process.stderr.write(text);
}

function quit(code: number): void {
  process.exit(code);
}

// At the end nothing is left to do: what still holds the process (a pool of an extension that never started) does not matter.
void main().then((code) => process.exit(code));
