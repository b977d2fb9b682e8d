import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(__dirname, '../fixtures/nova');

/** A message that a real Nova has sent, as its bus delivered it, without the envelope. */
export interface CapturedMessage {
  /** Such as `versioned_notifications.info`. */
  readonly routingKey: string;
  readonly message: Record<string, unknown>;
}

/** All that one instance caused from its creation to its deletion, in the order in which it came. */
export function capturedSequence(): readonly CapturedMessage[] {
  return readFileSync(join(FOLDER, 'real/sequence.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ routing_key, message }) => ({ routingKey: routing_key, message }));
}

/** One notification: `real/versioned-instance.create.end`, `documented/instance-create-end`. */
export function novaNotification(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8'));
}
