import { InvalidInput } from '../domain/errors';
import type { Handler } from './call';
import { checkNoQuery } from './validation';

/**
 * `POST /os-filesystem/_events`: Nova's notifications, for a host without a message bus. 202 when they are stored.
 * @throws InvalidInput naming the first that cannot be read: none is taken then
 */
export const reportEvents: Handler = async ({ instances, readEvents, clock, nudge }, { body, query }) => {
  checkNoQuery(query);
  if (body === undefined) throw new InvalidInput('The body is missing: send a notification, or {"events": [...]}.');
  const { observations } = readEvents(body, clock.now());
  await instances.apply(observations);
  nudge(); // after the commit
  return { status: 202 };
};
