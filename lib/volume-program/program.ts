import { TerminalError } from '../ports/driver';
import { type Request, readRequest } from './arguments';
import { BtrfsVolumes } from './btrfs';
import { type Configuration, readConfiguration } from './configuration';
import { ImageVolumes } from './image';
import type { VolumeKind } from './kind';
import { type Caller, Layout } from './layout';
import { withLock } from './locks';
import { requireMountsOfMachine } from './mount-points';
import { ProjectVolumes } from './project-quota';
import { EXIT, type VolumeVerb } from './verbs';
import { Absent, Volumes } from './volumes';
import { wordsOf } from './words';

/** Less than a lock lives, and than the driver waits. */
const LONGEST_MILLISECONDS = 100_000;
/** For thousands of volumes, at the start of the machine. */
const START_MILLISECONDS = 3_600_000;
/** A slice of what is destroyed. */
const SLICE_MILLISECONDS = 15_000;

/** What the program says, and how it ends. */
export interface Outcome {
  readonly exitCode: number;
  /** One line of JSON. */
  readonly answer: string;
  /** For people. */
  readonly complaint: string;
}

/**
 * Does what the arguments say, by the configuration in that file. Never throws.
 * @param caller whose the records of the storage are to be, when it is marked
 */
export async function runProgram(args: readonly string[], configuration: string, caller: Caller): Promise<Outcome> {
  let request: Request;
  try {
    request = readRequest(args);
  } catch (error) {
    return { exitCode: EXIT.wrongArguments, answer: '', complaint: wordsOf(error) };
  }
  try {
    if (process.geteuid?.() !== 0)
      throw new Error('This program works as root alone: allow it by sudo (docs/drivers.md).');
    const { complaints = [], ...answer } = await perform(request, await readConfiguration(configuration), caller);
    return { exitCode: EXIT.done, answer: JSON.stringify(answer), complaint: complaints.join('\n') };
  } catch (error) {
    return { exitCode: exitCodeOf(error), answer: '', complaint: wordsOf(error) };
  }
}

/** What is answered, and what people are to know all the same. */
interface Answer {
  readonly complaints?: readonly string[];
  readonly [name: string]: unknown;
}

async function perform(request: Request, configuration: Configuration, caller: Caller): Promise<Answer> {
  if (configuration.mounts !== null) await requireMountsOfMachine();
  const layout = new Layout(configuration);
  const signal = AbortSignal.timeout(request.verb === 'mount-all' ? START_MILLISECONDS : LONGEST_MILLISECONDS);
  if (request.of === 'backend') return ofBackend(request, configuration, layout, caller, signal);
  const { verb, id, number } = request;
  await layout.require(null, signal);
  return withLock(id, signal, () => ofVolume(verb, id, number, kindOf(configuration, layout), layout, signal));
}

async function ofBackend(
  { verb, identity }: Request & { of: 'backend' },
  configuration: Configuration,
  layout: Layout,
  caller: Caller,
  signal: AbortSignal,
): Promise<Answer> {
  if (verb === 'mark') {
    await layout.mark(identity, caller, signal);
    return {};
  }
  await layout.require(identity, signal);
  const kind = kindOf(configuration, layout);
  switch (verb) {
    case 'check': {
      await kind.check(signal);
      const { root, mounts } = configuration;
      return { kind: configuration.kind, root, mounts };
    }
    case 'usage': {
      const ids = await layout.ids();
      const used = await kind.usage(ids, signal);
      return {
        complaints: await new Volumes(layout, kind).faults(ids),
        used: Object.fromEntries([...used].map(([id, bytes]) => [id, String(bytes)])),
        numbers: await kind.numbers(signal),
      };
    }
    case 'mount-all':
      return { complaints: await new Volumes(layout, kind).mountAll(signal) };
  }
}

async function ofVolume(
  verb: VolumeVerb,
  id: string,
  number: bigint,
  kind: VolumeKind,
  layout: Layout,
  signal: AbortSignal,
): Promise<Answer> {
  const volumes = new Volumes(layout, kind);
  switch (verb) {
    case 'create':
      await volumes.create(id, number, signal);
      return {};
    case 'mount':
      await volumes.mount(id, signal);
      return {};
    case 'resize':
      await volumes.resize(id, number, signal);
      return {};
    case 'retire':
      await volumes.retire(id, signal);
      return {};
    case 'restore':
      await volumes.restore(id, signal);
      return {};
    case 'purge':
      return { done: await kind.purge(id, AbortSignal.any([signal, AbortSignal.timeout(SLICE_MILLISECONDS)])) };
  }
}

function kindOf({ kind, mode, fileSystem }: Configuration, layout: Layout): VolumeKind {
  switch (kind) {
    case 'btrfs':
      return new BtrfsVolumes(layout, mode);
    case 'project-quota':
      return new ProjectVolumes(layout, mode);
    case 'image':
      return new ImageVolumes(layout, fileSystem, mode);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Absent) return EXIT.absent;
  return error instanceof TerminalError ? EXIT.terminal : EXIT.failed;
}
