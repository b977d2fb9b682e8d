#!/usr/bin/env node
// nova-shared-filesystem-volume VERB UUID [NUMBER]: the one thing of ours that runs as root (docs/drivers.md).
import { CONFIGURATION } from './configuration';
import { runProgram } from './program';

/** Sudo itself sets these, whatever its caller's environment has. Nothing else of the environment is read. */
const { SUDO_UID, SUDO_GID } = process.env;
const caller = { uid: Number(SUDO_UID ?? 0), gid: Number(SUDO_GID ?? 0) };

async function main(): Promise<void> {
  // whatever the caller's are
  process.umask(0o022);
  process.chdir('/');
  const { exitCode, answer, complaint } = await runProgram(process.argv.slice(2), CONFIGURATION, caller);
  if (answer !== '') process.stdout.write(`${answer}\n`);
  if (complaint !== '') process.stderr.write(`${complaint}\n`);
  process.exitCode = exitCode;
}

void main();
