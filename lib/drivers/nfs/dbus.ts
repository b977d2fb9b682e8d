import { EventEmitter } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { Socket } from 'node:net';
import { DBusError, Message, type MessageBus, sessionBus } from '@jellybrick/dbus-next';
import { errorCode } from '../../error-code';

/** A longer queue of calls than this is not put to the bus at once: it answers only so many at a time for one client. */
const MOST_AT_ONCE = 64;
/** One of a list of 10,000 takes a quarter of a second. */
const LONGEST_MILLISECONDS = 30_000;

/** What one object of the bus can be asked. */
export interface BusObject {
  /**
   * @param signature of the arguments, `ss`
   * @returns the values of the answer
   * @throws BusError when the answer is an error; BusAway when there is none
   */
  call(member: string, signature: string, args: readonly unknown[], signal: AbortSignal): Promise<readonly unknown[]>;
}

/** Where an object is. */
export interface BusPlace {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
}

/** An answer that is an error. */
export class BusError extends Error {
  override readonly name = 'BusError';

  constructor(
    /** `org.freedesktop.DBus.Error.InvalidArgs` */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** No bus, or no answer: what became of the call is not known. */
export class BusAway extends Error {
  override readonly name = 'BusAway';
}

/** A connection, and the calls that wait for its answers. */
interface Connected {
  readonly bus: MessageBus;
  /** Ends the waiting of a call. */
  readonly waiting: Set<(reason: unknown) => void>;
}

/**
 * An object on a D-Bus, called over one connection: calls wait for each other's answers no more than the bus makes them. A
 * connection that ended, or did not answer in time, is left; the next call makes another.
 */
export class DbusObject implements BusObject {
  #connected: Connected | null = null;
  #running = 0;
  readonly #queue: (() => void)[] = [];

  /** @param address as D-Bus writes it, `unix:path=/run/dbus/system_bus_socket` */
  constructor(
    private readonly address: string,
    private readonly place: BusPlace,
    private readonly longestMilliseconds = LONGEST_MILLISECONDS,
  ) {}

  async call(
    member: string,
    signature: string,
    args: readonly unknown[],
    signal: AbortSignal,
  ): Promise<readonly unknown[]> {
    if (this.#running >= MOST_AT_ONCE) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#running += 1;
    try {
      signal.throwIfAborted();
      return await this.#answer(new Message({ ...this.place, member, signature, body: [...args] }), signal);
    } finally {
      // the place is handed on
      const next = this.#queue.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  async #answer(message: Message, signal: AbortSignal): Promise<readonly unknown[]> {
    const connected = await this.#connect();
    const { bus, waiting } = connected;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#leave(connected);
        end(
          new BusAway(
            `${this.place.destination} has not answered ${message.member} within ${this.longestMilliseconds} ms`,
          ),
        );
      }, this.longestMilliseconds);
      const over = () => {
        clearTimeout(timer);
        waiting.delete(end);
        signal.removeEventListener('abort', stop);
      };
      const end = (reason: unknown) => {
        over();
        reject(reason instanceof DBusError ? new BusError(reason.type, reason.text, { cause: reason }) : reason);
      };
      const stop = () => end(signal.reason);
      waiting.add(end);
      signal.addEventListener('abort', stop, { once: true });
      bus
        .call(message)
        .then((answer) => resolve(answer?.body ?? []))
        .then(over, end);
    });
  }

  async #connect(): Promise<Connected> {
    if (this.#connected) return this.#connected;
    // a socket that is not there is told at once, and by its name
    await access(this.address.replace(/^unix:path=/, ''), constants.R_OK | constants.W_OK).catch((cause: unknown) => {
      throw new BusAway(`there is no D-Bus at ${this.address}, or it cannot be reached: ${errorCode(cause)}`, {
        cause,
      });
    });
    this.#connected ??= this.#connection();
    return this.#connected;
  }

  #connection(): Connected {
    const bus = sessionBus({ busAddress: this.address, authMethods: ['EXTERNAL'] });
    const connected: Connected = { bus, waiting: new Set() };
    const end = (cause?: unknown) => {
      this.#leave(connected);
      for (const each of connected.waiting)
        each(new BusAway(`the D-Bus at ${this.address} has closed the connection`, { cause }));
    };
    // not among the events that it declares, but sent; without a listener it would end the process
    (bus as EventEmitter).on('error', end);
    // the library itself tells nobody, and calls would wait for ever
    const connection: unknown = Reflect.get(bus, '_connection');
    if (!(connection instanceof EventEmitter))
      throw new Error('the D-Bus library is not the one that this was written for');
    connection.on('end', end);
    // a connection that nobody waits for keeps no process from ending; a call does, by its timer
    connection.once('connect', () => {
      const stream: unknown = Reflect.get(connection, 'stream');
      if (stream instanceof Socket) stream.unref();
    });
    return connected;
  }

  #leave(connected: Connected): void {
    if (this.#connected !== connected) return;
    this.#connected = null;
    connected.bus.disconnect();
  }
}
