import type { Identity } from '../domain/identity';

/** For whom something is read: an administrator sees instances of all projects, others those of their own. */
export type Viewer = Pick<Identity, 'isAdmin' | 'projectId'>;

/** Who caused a change: a request id, an event's type. Ends up in the access log and in the lines of the run that follows. */
export type Cause = string;
