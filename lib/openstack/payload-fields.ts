import { InvalidInput } from '../domain/errors';
import { fieldOf, isJsonObject, type JsonObject } from '../json';

export { fieldOf, isJsonObject, type JsonObject };

/**
 * A text that may be missing. Nova writes none as null, or in legacy notifications as the empty text.
 * @returns null where there is none
 * @throws InvalidInput when it is something else than text
 */
export function optionalText(object: JsonObject, name: string): string | null {
  const value = fieldOf(object, name);
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string') throw new InvalidInput(`"${name}" in its payload is not text.`);
  return value;
}

/**
 * The data of a versioned object, which Nova wraps with name, namespace and version.
 * @returns null when it is no such object
 */
export function novaObjectData(value: unknown): JsonObject | null {
  const data = isJsonObject(value) ? fieldOf(value, 'nova_object.data') : undefined;
  return isJsonObject(data) ? data : null;
}

/** Runs `read`; what it refuses is told with its place in front, such as `events[3]`. */
export function at<Result>(place: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    throw new InvalidInput(`${place}: ${error.message}`, { cause: error });
  }
}
