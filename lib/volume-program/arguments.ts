import { isUuid } from '../domain/uuid';
import { BACKEND_VERBS, type BackendVerb, VOLUME_VERBS, type VolumeVerb } from './verbs';

/** What the program was asked to do. Ids are UUIDs in small letters: the only part of a path that comes from outside. */
export type Request =
  | { readonly of: 'backend'; readonly verb: BackendVerb; readonly identity: string }
  | {
      readonly of: 'volume';
      readonly verb: VolumeVerb;
      readonly id: string;
      /** 0 where the verb has none. */
      readonly number: bigint;
    };

const NUMBER = /^[1-9][0-9]{0,18}$/;
/** 1 EiB, the largest size of the API. */
const LARGEST = 1024n ** 6n;

/**
 * Reads `VERB UUID [NUMBER]`, and nothing else.
 * @throws Error
 */
export function readRequest(args: readonly string[]): Request {
  const [verb = '', id = '', number] = args;
  const ofBackend = BACKEND_VERBS.find((each) => each === verb);
  if (ofBackend === undefined && !isVolumeVerb(verb))
    throw new Error(
      `expected VERB UUID [NUMBER], the verb one of ${[...BACKEND_VERBS, ...Object.keys(VOLUME_VERBS)].join(', ')}`,
    );
  if (!isUuid(id)) throw new Error('expected a UUID in small letters as the second argument');
  const needed = isVolumeVerb(verb) && VOLUME_VERBS[verb] ? 3 : 2;
  if (args.length !== needed) throw new Error(`expected ${needed} arguments for ${verb}`);
  if (ofBackend !== undefined) return { of: 'backend', verb: ofBackend, identity: id };
  if (number !== undefined && (!NUMBER.test(number) || BigInt(number) > LARGEST))
    throw new Error(`expected a whole number from 1 to ${LARGEST} as the third argument`);
  return { of: 'volume', verb: verb as VolumeVerb, id, number: BigInt(number ?? 0) };
}

function isVolumeVerb(word: string): word is VolumeVerb {
  return Object.hasOwn(VOLUME_VERBS, word);
}
