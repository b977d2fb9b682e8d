import { InvalidInput } from '../domain/errors';
import { type Observation, type ObservationSource, observationTime } from '../domain/instance';
import type { InstancePayload } from './instance-payload';
import { saidState } from './instance-state';
import { readLegacyPayload } from './legacy-notification';
import { readTimestamp } from './notification-time';
import { at, fieldOf, isJsonObject } from './payload-fields';
import { readVersionedPayload } from './versioned-notification';

/** How many notifications one POST of `_events` may bring (docs/api.md). */
const MOST_EVENTS = 1_000;

/** What the types of both formats begin with, and how their payloads are read. */
const FORMATS: readonly { readonly prefix: string; readonly read: (payload: unknown) => InstancePayload }[] = [
  { prefix: 'instance.', read: readVersionedPayload },
  { prefix: 'compute.instance.', read: readLegacyPayload },
];

/** The rest of an event's type: it ends up in the log and in the access log. */
const EVENT = /^[a-z0-9_]{1,40}(?:\.[a-z0-9_]{1,40}){0,4}$/i;

/**
 * Reads one notification of Nova, legacy or versioned, of any priority. Messages that tell what is wrong never hold what
 * the notification does: a legacy one can carry a user's token.
 *
 * @param arrival when it came, its time where it tells none
 * @returns null when it is not about an instance, decided by its type before its payload is looked at, or proves nothing
 * @throws InvalidInput when it cannot be read
 */
export function readNotification(
  message: unknown,
  arrival: Date,
  source: Extract<ObservationSource, 'notification' | 'events'>,
): Observation | null {
  if (!isJsonObject(message)) throw new InvalidInput('a notification is an object with "event_type" and "payload".');
  if (Object.hasOwn(message, 'oslo.message'))
    throw new InvalidInput('this is the envelope of a message bus: send what its "oslo.message" holds, as JSON.');
  const type = fieldOf(message, 'event_type');
  if (typeof type !== 'string' || type === '') throw new InvalidInput('the notification has no "event_type".');

  const format = FORMATS.find(({ prefix }) => type.startsWith(prefix));
  if (!format) return null;
  const event = type.slice(format.prefix.length);
  if (!EVENT.test(event))
    throw new InvalidInput('the "event_type" is none of an instance, such as instance.create.end.');
  // Sent for deleted instances too, to tell of the past month or day.
  if (event === 'exists' || event.startsWith('exists.')) return null;
  return at(type, () =>
    observation(event, format.read(fieldOf(message, 'payload')), {
      time: observationTime(readTimestamp(fieldOf(message, 'timestamp')), arrival),
      source,
      cause: type,
    }),
  );
}

/**
 * Reads the body of POST `_events`: one notification as it stands, or `{"events": [...]}` with up to 1,000 (docs/api.md).
 * @returns the observations in their order; fewer than notifications, since some say nothing of instances
 * @throws InvalidInput naming the first that cannot be read: then none is taken
 */
export function readEvents(body: unknown, arrival: Date): { readonly observations: readonly Observation[] } {
  const list = isJsonObject(body) ? fieldOf(body, 'events') : undefined;
  if (list === undefined) return { observations: presentOnly([readNotification(body, arrival, 'events')]) };
  if (!Array.isArray(list)) throw new InvalidInput('"events" is not a list of notifications.');
  if (list.length > MOST_EVENTS)
    throw new InvalidInput(`"events" has ${list.length} notifications: send at most ${MOST_EVENTS} at once.`);
  const read = list.map((each, index) => at(`events[${index}]`, () => readNotification(each, arrival, 'events')));
  return { observations: presentOnly(read) };
}

function observation(
  event: string,
  { instanceId, project, states, tasks, addresses }: InstancePayload,
  said: Pick<Observation, 'time' | 'source' | 'cause'>,
): Observation {
  // Nova has an empty list while it schedules, and after it has freed the network: only here it means that none is left.
  const known = addresses?.length === 0 && event !== 'interface_detach.end' ? undefined : addresses;
  return { instanceId, project, ...saidState(event, { states, tasks }), addresses: known, ...said };
}

function presentOnly(read: readonly (Observation | null)[]): readonly Observation[] {
  return read.filter((each) => each !== null);
}
