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

/** The id of the instance that the builders below tell of. */
export const INSTANCE_ID = '178b0921-8f85-4257-88b6-2e743b5a975c';

/** A versioned notification of an active instance of project alpha. */
export function aVersioned(event: string, data: object = {}, rest: object = {}) {
  const said = { uuid: INSTANCE_ID, tenant_id: 'alpha', state: 'active', task_state: null, ...data };
  return { event_type: `instance.${event}`, payload: { 'nova_object.data': said }, ...rest };
}

/** A legacy one. */
export function aLegacy(event: string, said: object = {}) {
  const payload = { instance_id: INSTANCE_ID, tenant_id: 'alpha', state: 'active', state_description: '', ...said };
  return { event_type: `compute.instance.${event}`, payload };
}
