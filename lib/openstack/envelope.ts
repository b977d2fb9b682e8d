import { parseJson } from '../json';
import { fieldOf, isJsonObject, type JsonObject } from './payload-fields';

/** What came of opening a message. Where it could not be, `found` is what there is of it, and the words hold nothing of it. */
export type Opened =
  | { readonly kind: 'message'; readonly message: JsonObject }
  | { readonly kind: 'not-json' | 'wrong-envelope'; readonly reason: string; readonly found: JsonObject | null };

/** Any minor version: it only adds what an older reader may leave out. */
const VERSION = /^2\.\d{1,3}$/;

/**
 * Opens a message of oslo.messaging: its envelope 2.x, which holds the message as a text of JSON, or the plain dictionary of
 * the driver `messaging` and of old clouds.
 */
export function openEnvelope(body: Buffer): Opened {
  const outer = parseJson(body.toString('utf8'));
  if (outer === undefined) return { kind: 'not-json', reason: 'its body is no JSON', found: null };
  if (!isJsonObject(outer)) return { kind: 'wrong-envelope', reason: 'its body is no object', found: null };
  const version = fieldOf(outer, 'oslo.version');
  const text = fieldOf(outer, 'oslo.message');
  if (version === undefined && text === undefined) return { kind: 'message', message: outer };
  return openVersion(outer, version, text);
}

function openVersion(outer: JsonObject, version: unknown, text: unknown): Opened {
  const wrong = (reason: string): Opened => ({ kind: 'wrong-envelope', reason, found: outer });
  if (typeof version !== 'string' || !VERSION.test(version))
    return wrong('the "oslo.version" of its envelope is not 2.x, the only one that is known');
  if (typeof text !== 'string') return wrong('its envelope holds no "oslo.message" as text');
  const message = parseJson(text);
  if (message === undefined)
    return { kind: 'not-json', reason: 'the "oslo.message" in its envelope is no JSON', found: outer };
  return isJsonObject(message)
    ? { kind: 'message', message }
    : wrong('the "oslo.message" in its envelope is no object');
}
