import { EventEmitter } from 'node:events';
import { access, constants } from 'node:fs/promises';
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

/** A connection, and how it ends. */
interface Connected {
  readonly bus: MessageBus;
  /** Rejects when the bus has gone; never resolves. */
  readonly gone: Promise<never>;
}

/**
 * An object on a D-Bus, called over one connection: calls wait for each other's answers no more than the bus makes them. A
 * connection that ended, or did not answer in time, is left; the next call makes another.
 */
export class DbusObject implements BusObject {
  #connected: Connected | null = null;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

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
    await this.#turn();
    try {
      signal.throwIfAborted();
      return await this.#call(member, signature, args, signal);
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#running >= MOST_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
  }

  async #call(
    member: string,
    signature: string,
    args: readonly unknown[],
    signal: AbortSignal,
  ): Promise<readonly unknown[]> {
    const connected = await this.#connect();
    const given = new AbortController();
    const timer = setTimeout(() => {
      this.#leave(connected);
      given.abort(
        new BusAway(`${this.place.destination} has not answered ${member} within ${this.longestMilliseconds} ms`),
      );
    }, this.longestMilliseconds);
    const stop = () => given.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const message = new Message({ ...this.place, member, signature, body: [...args] });
      const answer = await Promise.race([connected.bus.call(message), connected.gone, aborted(given.signal)]);
      return answer?.body ?? [];
    } catch (error) {
      if (error instanceof DBusError) throw new BusError(error.type, error.text, { cause: error });
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
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
    const gone = new Promise<never>((_, reject) => {
      const end = (cause?: unknown) => {
        this.#leave(connected);
        reject(new BusAway(`the D-Bus at ${this.address} has closed the connection`, { cause }));
      };
      // not among the events that it declares, but sent; without a listener it would end the process
      (bus as EventEmitter).on('error', end);
      // the library itself tells nobody, and calls would wait for ever
      const connection: unknown = Reflect.get(bus, '_connection');
      if (connection instanceof EventEmitter) connection.on('end', end);
    });
    gone.catch(() => undefined);
    const connected = { bus, gone };
    return connected;
  }

  #leave(connected: Connected): void {
    if (this.#connected !== connected) return;
    this.#connected = null;
    connected.bus.disconnect();
  }
}

async function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
