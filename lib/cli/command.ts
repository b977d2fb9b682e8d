/** What was said behind a command's name. Every option with a text may be repeated. */
export interface Said {
  readonly texts: Readonly<Record<string, readonly string[] | undefined>>;
  readonly flags: ReadonlySet<string>;
  /** What is no option. */
  readonly words: readonly string[];
}

/** A command of the command line. */
export interface Command<Asked> {
  /** A line of `--help`: how it is written, and what it does. */
  readonly usage: string;
  readonly help: string;
  /** Its options, without their dashes: those that take a text, and those that take none. */
  readonly options: readonly string[];
  readonly flags?: readonly string[];
  /** How many words it takes beside its options. */
  readonly words: number;
  /** @throws Error with words for the operator */
  read(said: Said): Asked;
}
