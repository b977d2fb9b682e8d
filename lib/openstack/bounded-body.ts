import { Unavailable } from '../domain/errors';

/**
 * Reads a body to its end, or gives it up.
 * @param mostBytes after decompression
 * @throws Unavailable when it is longer
 */
export async function readBounded(body: AsyncIterable<Uint8Array> | null, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // leaving the loop closes the connection
  for await (const chunk of body ?? []) {
    length += chunk.byteLength;
    if (length > mostBytes) throw new Unavailable(`Compute answers with more than ${mostBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length).toString('utf8');
}
