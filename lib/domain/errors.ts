/**
 * Failures that the domain can name. They carry words for the caller and no HTTP: `http/faults.ts` alone decides which
 * status code and fault name (`itemNotFound`, …) each kind gets. Anything else that is thrown is a bug or an outage, and
 * the caller is told nothing about it.
 */
export abstract class DomainError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The request is well-formed JSON, but a value in it breaks a rule of this service. */
export class InvalidInput extends DomainError {}

/** There is none, or the caller may not know that there is one: both look the same on purpose. */
export class NotFound extends DomainError {}

/** The caller can see the filesystem and may not do this with it. */
export class Forbidden extends DomainError {}

/** The request is fine, the present state of the filesystem rules it out. */
export class Conflict extends DomainError {}

/** As `Conflict`, but the state will pass by itself: asking again later is worth it. */
export class TemporaryConflict extends Conflict {}

/** `If-Match` or `If-None-Match` does not hold. */
export class PreconditionFailed extends DomainError {}

/** Something that this service needs is out of reach; asking again later is worth it. `cause` goes to the log only. */
export class Unavailable extends DomainError {}
