import { fieldOf, isJsonObject } from '../../json';
import { TerminalError } from '../../ports/driver';
import { type ManilaApi, unreadable } from './manila-api';
import { idIn, listIn, textIn } from './share';

/**
 * The backend's identity in Manila: the description of a security service of the project, named after the backend. It is
 * attached to nothing and takes no storage and no quota (docs/decisions/0016-manila-marker.md).
 */
export class Marker {
  readonly #name: string;

  constructor(
    private readonly api: ManilaApi,
    backend: string,
  ) {
    this.#name = `nova-shared-filesystem backend ${backend}`;
  }

  /** @returns null when the project has none for this backend */
  async read(signal: AbortSignal): Promise<string | null> {
    const query = new URLSearchParams({ name: this.#name });
    const { body } = await this.api.ask(
      { method: 'GET', path: `/security-services/detail?${query.toString()}` },
      signal,
    );
    const markers = listIn(body, 'security_services').flatMap((each) => {
      if (!isJsonObject(each)) throw unreadable();
      if (fieldOf(each, 'name') !== this.#name) return [];
      const description = fieldOf(each, 'description');
      const identity = typeof description === 'string' ? description.trim() : '';
      return [{ identity, age: `${textIn(each, 'created_at')} ${idIn(each)}` }];
    });
    const [oldest] = markers.toSorted((one, other) => (one.age < other.age ? -1 : 1));
    return oldest?.identity ?? null;
  }

  /**
   * Writes it where there is none. Of two that are written at once the older one counts, and the other is taken back.
   * @throws TerminalError when there is another's
   */
  async write(identity: string, signal: AbortSignal): Promise<void> {
    const present = await this.read(signal);
    if (present === identity) return;
    if (present !== null) throw this.#foreign();
    const marker = { type: 'ldap', name: this.#name, description: identity };
    const request = { method: 'POST', path: '/security-services', body: { security_service: marker } } as const;
    const { body } = await this.api.ask(request, signal);
    const made = isJsonObject(body) ? fieldOf(body, 'security_service') : undefined;
    if (!isJsonObject(made)) throw unreadable();
    if ((await this.read(signal)) === identity) return;
    await this.api.ask({ method: 'DELETE', path: `/security-services/${idIn(made)}`, prepared: [202, 404] }, signal);
    throw this.#foreign();
  }

  #foreign(): TerminalError {
    return new TerminalError(
      `The project in Manila has another marker, the security service "${this.#name}": it is another deployment's.`,
    );
  }
}
