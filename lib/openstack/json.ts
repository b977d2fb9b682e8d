/** @returns undefined when the text is no JSON, which has no word for that value. What `JSON.parse` throws would quote the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
