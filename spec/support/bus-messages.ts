import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A message as a real Nova has sent it, with what RabbitMQ says of it. */
export interface WireMessage {
  readonly routingKey: string;
  readonly body: Buffer;
}

/** What a real Nova has sent: with the envelope 2.0 (`messagingv2`), or as plain dictionaries (`messaging`). */
export function wireMessages(driver: 'messaging' | 'messagingv2'): readonly WireMessage[] {
  const captured = JSON.parse(
    readFileSync(join(__dirname, `../fixtures/nova/wire/${driver}.json`), 'utf8'),
  ) as readonly {
    readonly routing_key: string;
    readonly body_as_sent: string;
  }[];
  return captured.map(({ routing_key, body_as_sent }) => ({
    routingKey: routing_key,
    body: Buffer.from(body_as_sent),
  }));
}

/** A notification in the envelope of oslo.messaging. */
export function enveloped(message: unknown): Buffer {
  return Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(message) }));
}
