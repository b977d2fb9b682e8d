import { fieldOf, isJsonObject } from './payload-fields';
import { unreadable } from './server-answer';

/**
 * Whether Compute heard of every cell when it made this answer to `GET /os-services`: of one that is down it knows the
 * hosts alone, their status is UNKNOWN (microversion 2.69).
 * @throws Unavailable when it is no list of services
 */
export function cellsAnswer(body: unknown): boolean {
  const services = isJsonObject(body) ? fieldOf(body, 'services') : undefined;
  if (!Array.isArray(services)) throw unreadable();
  // Nova has services in every cell, so none at all is no answer
  return (
    services.length > 0 && services.every((service) => isJsonObject(service) && isKnown(fieldOf(service, 'status')))
  );
}

function isKnown(status: unknown): boolean {
  return status === 'enabled' || status === 'disabled';
}
