import { fieldOf, type JsonObject } from './payload-fields';

/**
 * Why a message was set aside, in a word. `wrong-address`: an entry in its list of addresses is none; all else in it counts.
 * `not-storable`: Postgres has refused what it says.
 */
export type DeadLetterKind =
  | 'not-json'
  | 'wrong-envelope'
  | 'wrong-payload'
  | 'wrong-address'
  | 'too-large'
  | 'not-storable';

/** What may be told of a message. Of its body no more than this: it can hold a user's token. */
export interface MessageFacts {
  /** Null where there is none, or one that no notification has. */
  readonly eventType: string | null;
  readonly routingKey: string;
  /** Bytes of the body as it came. */
  readonly size: number;
  /** The names of its keys, of the message in an envelope where that could be opened; null: not known. */
  readonly keys: readonly string[] | null;
}

/** The description of a message that could not be taken. */
export interface DeadLetter extends MessageFacts {
  readonly kind: DeadLetterKind;
  /** Words of ours. */
  readonly reason: string;
  readonly time: Date;
}

const MOST_KEYS = 50;
const EVENT_TYPE = /^\w{1,40}(?:\.\w{1,40}){0,5}$/;
/** Whatever else stands for the name of a key may be anything, so it is told as `?`. */
const KEY = /^[\w.$-]{1,40}$/;
const ROUTING_KEY = /^[!-~]{0,255}$/;

/** @param message null: it could not be looked into */
export function factsOf(message: JsonObject | null, routingKey: string, size: number): MessageFacts {
  const eventType = message && fieldOf(message, 'event_type');
  return {
    eventType: typeof eventType === 'string' && EVENT_TYPE.test(eventType) ? eventType : null,
    routingKey: ROUTING_KEY.test(routingKey) ? routingKey : '?',
    size,
    keys:
      message &&
      Object.keys(message)
        .slice(0, MOST_KEYS)
        .map((key) => (KEY.test(key) ? key : '?')),
  };
}

/** The description as JSON, as it stands in the dead-letter queue (docs/operations.md). */
export function deadLetterBody({ kind, reason, eventType, routingKey, size, keys, time }: DeadLetter): Buffer {
  const described = {
    kind,
    reason,
    event_type: eventType,
    routing_key: routingKey,
    size,
    keys,
    time: time.toISOString(),
  };
  return Buffer.from(JSON.stringify(described));
}
