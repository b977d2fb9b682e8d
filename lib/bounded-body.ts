/**
 * Reads a body to its end, or gives it up.
 * @param mostBytes after decompression
 * @param tooLong what is thrown when it is longer
 */
export async function readBounded(
  body: AsyncIterable<Uint8Array> | null,
  mostBytes: number,
  tooLong: () => Error,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // leaving the loop closes the connection
  for await (const chunk of body ?? []) {
    length += chunk.byteLength;
    if (length > mostBytes) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length).toString('utf8');
}
