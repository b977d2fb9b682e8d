/** An object as `JSON.parse` makes one: it may hold anything under any name. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** @returns undefined when the text is no JSON, which has no word for that value. What `JSON.parse` throws would quote the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether it is an object with names, so neither a list nor null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What the object itself holds under that name, never what it inherits; undefined: nothing. */
export function fieldOf(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
