import type { IncomingMessage } from 'node:http';
import type { Identity } from '../domain/identity';

/** What a host gives as a logger: pino's shape. Facts as fields, then a constant message. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** The entry of an extension as clients of `/extensions` see it. */
export interface ExtensionEntry {
  readonly updated: string;
  readonly name: string;
  readonly links: readonly unknown[];
  readonly namespace: string;
  readonly alias: string;
  readonly description: string;
}

/**
 * Finds out who is calling. Null: nobody (401). A throw is a fault of the host: 500, its text is not told.
 * @param request the host's request, as Express made it
 */
export type IdentityOf = (request: IncomingMessage) => Identity | null | Promise<Identity | null>;
