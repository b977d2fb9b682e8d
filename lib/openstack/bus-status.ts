import { errorCode } from '../error-code';
import type { MessageBus } from '../ports/cloud';
import type { Logger } from '../ports/host';

/** What is measured of the bus; `Metrics` has it. */
export interface BusMetrics {
  /** Whether notifications are consumed. */
  busConnected(connected: boolean): void;
  /** One message. `kind` says in a word why it could not be read, empty for the others. */
  messageTaken(outcome: 'stored' | 'ignored' | 'unreadable', kind: string): void;
}

const REFUSED = '403';
/** Also of a channel on which too long nothing was acknowledged, so its words are looked at. */
const PRECONDITION_FAILED = '406';

/**
 * How the bus is, for `readyz`, metrics and the log. Each condition is said once in the log when it comes, however often it
 * is tried, and once when it has gone.
 */
export class BusStatus {
  #consuming = false;
  #problem: string | null = 'the message bus is not connected yet';
  /** Exchanges by name, whether they are there; of one that has not been looked for nothing. */
  readonly #exchanges = new Map<string, boolean>();
  readonly #said = new Set<string>();
  #begunBefore = false;

  /** @param display the brokers, without the password */
  constructor(
    private readonly display: string,
    private readonly queue: string,
    private readonly logger: Pick<Logger, 'info' | 'warn'>,
    private readonly metrics: Pick<BusMetrics, 'busConnected'>,
  ) {}

  get current(): MessageBus['status'] {
    const absent = this.#named(false);
    if (!this.#consuming) return { connected: false, message: this.#problem };
    if (absent.length === 0) return { connected: true, message: null };
    const message = `waiting for the exchange ${absent.map((name) => `"${name}"`).join(', ')}: Nova declares it when it first sends a notification`;
    return { connected: this.#named(true).length > 0, message };
  }

  /** Notifications are not consumed, or not any more. */
  lost(error: unknown): void {
    const reason = reasonOf(error);
    const { words, line } = this.#wordsFor(errorCode(error), reason);
    this.#consuming = false;
    this.#problem = words;
    this.metrics.busConnected(false);
    if (!this.#said.has(line)) this.logger.warn({ bus: this.display, queue: this.queue, reason }, line);
    this.#said.add(line);
  }

  /** They are consumed, or again. */
  consuming(): void {
    this.#consuming = true;
    this.#problem = null;
    this.metrics.busConnected(this.current.connected);
    const back = this.#begunBefore && this.#said.size > 0;
    const facts = { bus: this.display, queue: this.queue };
    if (back) this.logger.info(facts, 'the message bus is back: notifications are consumed again');
    else if (!this.#begunBefore) this.logger.info(facts, 'notifications are consumed');
    this.#begunBefore = true;
    this.#said.clear();
  }

  /** The service ends. */
  stopped(): void {
    this.#consuming = false;
    this.#problem = 'notifications are not consumed: the service stops';
    this.metrics.busConnected(false);
  }

  /** Whether an exchange is there. */
  exchange(name: string, present: boolean): void {
    const before = this.#exchanges.get(name);
    this.#exchanges.set(name, present);
    if (this.#consuming) this.metrics.busConnected(this.current.connected);
    if (!present && before !== false)
      this.logger.warn({ exchange: name }, 'an exchange of the message bus is absent: waiting until Nova declares it');
    if (present && before === false) this.logger.info({ exchange: name }, 'the exchange that was absent is there');
  }

  #named(present: boolean): readonly string[] {
    return [...this.#exchanges].filter(([, is]) => is === present).map(([name]) => name);
  }

  #wordsFor(code: string, reason: string): { words: string; line: string } {
    if (code === PRECONDITION_FAILED && reason.includes('inequivalent arg')) {
      const line = 'the queue exists with other arguments: delete it, or configure another name';
      return {
        words: `the queue "${this.queue}" exists with other arguments: delete it, or configure another name`,
        line,
      };
    }
    if (code === REFUSED)
      return {
        words: `the message bus refuses this user: ${reason}`,
        line: 'the message bus refuses this user: it has to configure and read the queue, and to read the exchanges',
      };
    return {
      words: `notifications are not consumed: ${reason}`,
      line: 'the message bus is lost: tried again until notifications are consumed',
    };
  }
}

/** Words of the network, the broker or the client; they hold no password. */
function reasonOf(error: unknown): string {
  return (error instanceof Error && error.message) || errorCode(error) || 'unknown';
}
