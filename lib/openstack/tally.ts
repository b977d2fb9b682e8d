import type { Logger } from '../ports/host';
import type { BusMetrics } from './bus-status';
import type { DeadLetter } from './dead-letter';
import type { Taken } from './delivery';

/** Counts messages by what became of them, and says in the log what could not be read: once a kind, of which there are few. */
export class Tally {
  readonly #said = new Set<DeadLetter['kind']>();

  constructor(
    private readonly logger: Pick<Logger, 'warn'>,
    private readonly metrics: Pick<BusMetrics, 'messageTaken'>,
  ) {}

  /** A message has come. */
  arrived({ observed, letter }: Taken): void {
    if (!observed && !letter) this.metrics.messageTaken('ignored', '');
  }

  /** So many messages are stored. */
  stored(count: number): void {
    for (let left = count; left > 0; left -= 1) this.metrics.messageTaken('stored', '');
  }

  /** These are set aside. */
  setAside(letters: readonly DeadLetter[]): void {
    for (const { kind, reason, eventType, routingKey, size } of letters) {
      this.metrics.messageTaken('unreadable', kind);
      if (!this.#said.has(kind))
        this.logger.warn(
          { kind, reason, eventType, routingKey, size },
          'a notification cannot be taken: it is described in the dead-letter queue, as all of its kind from now on',
        );
      this.#said.add(kind);
    }
  }
}
