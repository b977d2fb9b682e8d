/** What a host tells of an instance of its own (docs/hosting.md, "Instances"). */
export interface InstanceReport {
  readonly id: string;
  /** The project it belongs to. Undefined: not said. */
  readonly project?: string | undefined;
  readonly state: 'live' | 'suspended' | 'gone';
  /** The whole list; undefined: not said. Text alone is a fixed address of a network that is not told. */
  readonly addresses?:
    | readonly (string | { address: string; kind?: 'fixed' | 'floating'; network?: string; port?: string })[]
    | undefined;
  /** When it was so; undefined: now. */
  readonly time?: Date | string | undefined;
}

/** One backend's settings: its name, its driver, and what that driver takes (docs/drivers.md). */
export interface BackendOptions {
  readonly name: string;
  readonly driver: string;
  readonly [setting: string]: unknown;
}

/** Detail of `readyz`: what an operator asks first. */
export interface BackendStatus {
  readonly name: string;
  readonly driver: string;
  /** `up`: worked on. `withdraw-only`: its storage is absent or another's, lists only shrink. `down`: nothing can be done. */
  readonly state: 'starting' | 'up' | 'withdraw-only' | 'down' | 'outdated-settings';
  /** Why it is not up; null when it is. */
  readonly message: string | null;
  readonly lacks: readonly string[];
}

export interface ExtensionStatus {
  /** Whether requests can be served: Postgres answers, and its schema is this program's. */
  readonly ready: boolean;
  readonly database: { readonly reachable: boolean; readonly message: string | null };
  readonly backends: readonly BackendStatus[];
}
