/** A program's absolute path, and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

const HOST = /^[A-Za-z0-9.:_-]{1,253}$/;

/** Reads the settings of a backend, and says of each that is wrong where it stands and what it should be. */
export class Settings {
  readonly #read = new Set<string>();

  /**
   * @param where how the settings are named in messages, `backend "default"`
   * @throws Error when they are no object
   */
  constructor(
    private readonly values: unknown,
    private readonly where: string,
  ) {
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      throw new Error(`${where}: expected an object with settings.`);
  }

  /** A text; the default where it is left out, if there is one. */
  text(name: string, otherwise?: string): string {
    const value = this.#value(name) ?? otherwise;
    if (typeof value !== 'string' || value === '') throw this.wrong(name, 'expected a text');
    return value;
  }

  /** Whether it is there. */
  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  /** A whole number of a range. */
  number(name: string, otherwise: number, smallest: number, largest: number): number {
    const value = this.#value(name) ?? otherwise;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < smallest || value > largest)
      throw this.wrong(name, `expected a whole number from ${smallest} to ${largest}`);
    return value;
  }

  /** What may stand in an export location: an address, or a host name. */
  host(name: string): string {
    const host = this.text(name);
    if (!HOST.test(host)) throw this.wrong(name, 'expected an address or a host name');
    return host;
  }

  /** One of some words; the default where it is left out, if there is one. */
  word<Word extends string>(name: string, words: readonly Word[], otherwise?: Word): Word {
    const value = this.#value(name) ?? otherwise;
    const found = words.find((word) => word === value);
    if (found === undefined) throw this.wrong(name, `expected ${words.map((word) => `"${word}"`).join(' or ')}`);
    return found;
  }

  /** A list of texts, or one text with commas. */
  texts(name: string, otherwise: readonly string[]): readonly string[] {
    const value = this.#value(name) ?? otherwise;
    const texts: unknown = typeof value === 'string' ? value.split(',') : value;
    if (!isTexts(texts)) throw this.wrong(name, 'expected a list of texts');
    return texts;
  }

  /** A program with its arguments; `true`: the default; `false` or left out: null. */
  command(name: string, otherwise: Command): Command | null {
    const value = this.#value(name) ?? false;
    if (typeof value === 'boolean') return value ? otherwise : null;
    const [program, ...args] = isTexts(value) ? value : [];
    if (!program?.startsWith('/'))
      throw this.wrong(name, "expected true, false, or a list of a program's absolute path and its arguments");
    return [program, ...args];
  }

  /** Settings within. */
  inner(name: string): Settings {
    return new Settings(this.#value(name), `${this.where}, ${name}`);
  }

  /** Call it last: @throws Error naming a setting that nobody asked for */
  end(): void {
    const unknown = Object.keys(this.values as object).find((name) => !this.#read.has(name));
    if (unknown !== undefined)
      throw this.wrong(unknown, `there is no such setting; known are ${[...this.#read].toSorted().join(', ')}`);
  }

  wrong(name: string, why: string): Error {
    return new Error(`${this.where}: setting "${name}" is wrong: ${why}.`);
  }

  #value(name: string): unknown {
    this.#read.add(name);
    return Object.hasOwn(this.values as object, name) ? (this.values as Record<string, unknown>)[name] : undefined;
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
