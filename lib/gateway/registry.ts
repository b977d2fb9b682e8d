import type { ExtensionEntry } from '../ports/host';

/** The extensions that a gateway serves, as `/extensions` tells them: in the order in which they came, no alias twice. */
export class ExtensionRegistry {
  readonly #entries = new Map<string, ExtensionEntry>();

  /** An alias that is there already is passed over. */
  add(entry: ExtensionEntry): void {
    if (!this.#entries.has(entry.alias)) this.#entries.set(entry.alias, entry);
  }

  list(): readonly ExtensionEntry[] {
    return [...this.#entries.values()];
  }

  /** Undefined: there is none of that alias. */
  find(alias: string): ExtensionEntry | undefined {
    return this.#entries.get(alias);
  }
}
