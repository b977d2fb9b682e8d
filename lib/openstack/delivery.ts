import { InvalidInput } from '../domain/errors';
import type { Observation } from '../domain/instance';
import { type DeadLetter, factsOf, type MessageFacts } from './dead-letter';
import { openEnvelope } from './envelope';
import { readNotification } from './notifications';
import { fieldOf, isJsonObject, type JsonObject, novaObjectData } from './payload-fields';

/** An observation, with what may be told of its message should it turn out that it cannot be stored. */
export interface Observed {
  readonly observation: Observation;
  readonly facts: MessageFacts;
}

/** What is kept of one message, never its body. Both null: it is of no interest. */
export interface Taken {
  readonly observed: Observed | null;
  readonly letter: DeadLetter | null;
}

/** A notification has some kilobytes. Larger bodies are described without being looked into. */
const LARGEST_BODY_BYTES = 8 * 1024 * 1024;

const OF_NO_INTEREST: Taken = { observed: null, letter: null };

/**
 * Reads one message of the bus. Never throws: what cannot be read becomes a letter.
 * @param now its arrival
 */
export function readDelivery(body: Buffer, routingKey: string, now: Date): Taken {
  const size = body.length;
  const letter = (kind: DeadLetter['kind'], reason: string, message: JsonObject | null): Taken => ({
    observed: null,
    letter: { ...factsOf(message, routingKey, size), kind, reason, time: now },
  });
  if (size > LARGEST_BODY_BYTES) return letter('too-large', 'its body has more than 8 MiB', null);
  const opened = openEnvelope(body);
  if (opened.kind !== 'message') return letter(opened.kind, opened.reason, opened.found);
  const { message } = opened;
  try {
    const observation = readNotification(message, now, 'notification');
    if (observation === null) return OF_NO_INTEREST;
    const facts = factsOf(message, routingKey, size);
    const observed = { observation, facts };
    if (!hasUnreadableAddresses(message, observation)) return { observed, letter: null };
    const reason = 'an entry in its list of addresses is no address: they are taken for unknown';
    return { observed, letter: { ...facts, kind: 'wrong-address', reason, time: now } };
  } catch (error) {
    // Only InvalidInput has words that hold nothing of the message.
    return letter('wrong-payload', error instanceof InvalidInput ? error.message : 'it cannot be read', message);
  }
}

/** Whether there is a list of addresses, and something in it that is none. An empty one is Nova's way of not telling. */
function hasUnreadableAddresses(message: JsonObject, { addresses }: Observation): boolean {
  if (addresses !== undefined) return false;
  const payload = fieldOf(message, 'payload');
  const list = listOf(novaObjectData(payload), 'ip_addresses') ?? listOf(payload, 'fixed_ips') ?? [];
  return !Array.isArray(list) || list.length > 0;
}

function listOf(payload: unknown, name: string): unknown {
  return isJsonObject(payload) ? fieldOf(payload, name) : undefined;
}
