import type { Scope } from '../domain/filesystem';

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

/** A filesystem whose backend does not have yet what follows from a report. */
export interface Unconfirmed {
  /** Its name. */
  readonly filesystem: string;
  readonly backend: string;
}

/** The Compute API that is the truth behind what is heard of instances. */
export interface ComputeOptions {
  /** `http://compute.example.org:8774/v2.1`. */
  readonly url: string;
  /** Of a user who sees the instances of all projects; a function is called before each request. */
  readonly token: string | (() => Promise<string>);
}

/** The message bus on which Nova sends its notifications. */
export interface MessageBusOptions {
  /** `amqp://user:password@host:5672/vhost`, several with commas, or oslo.messaging's `rabbit://` form. */
  readonly url: string;
  /** Nova's, `['nova']` by default. */
  readonly exchanges?: readonly string[] | undefined;
  /** Which of Nova's two formats are bound, `both` by default. */
  readonly notifications?: 'versioned' | 'legacy' | 'both' | undefined;
  /** `versioned_notifications` by default. */
  readonly versionedTopic?: string | undefined;
  /** `notifications` by default. */
  readonly legacyTopic?: string | undefined;
  /** Our own queue, one a deployment: made of the deployment's identity by default. */
  readonly queue?: string | undefined;
}

/** One backend's settings: its name, its driver, and what that driver takes (docs/drivers.md). */
export interface BackendOptions {
  readonly name: string;
  readonly driver: string;
  readonly [setting: string]: unknown;
}

/** A backend that another process works on: beside the filer, by `nova-shared-filesystem reconcile` (docs/filers.md). */
export interface NamedBackend {
  readonly name: string;
}

/** Where new filesystems go: to the backend of the first rule that fits them (docs/filers.md, "Placement"). */
export interface PlacementOptions {
  /** Those of this scope; undefined: of every one. */
  readonly scope?: Scope | undefined;
  /** Those that this project, or one of these, owns; undefined: every one's. */
  readonly project?: string | readonly string[] | undefined;
  /** A backend's name; of several the one with most room. */
  readonly backend: string | readonly string[];
  /** Demands volumes with a file system of their own: backends that do not declare that are passed over. */
  readonly isolation?: 'file-system' | undefined;
}

/** `up`: worked on. `withdraw-only`: its storage is absent or another's, lists only shrink. `down`: nothing can be done. */
export type BackendState = 'starting' | 'up' | 'withdraw-only' | 'down' | 'outdated-settings';

/** Detail of `readyz`: what an operator asks first. */
export interface BackendStatus {
  readonly name: string;
  /** Null: it is not known, since no process has ever served it. */
  readonly driver: string | null;
  /** `unserved`: no process serves it, here or elsewhere. */
  readonly state: BackendState | 'unserved';
  /** Whether this process works on it, or others do. */
  readonly served: 'here' | 'elsewhere';
  /** Why it is not up; null when it is. */
  readonly message: string | null;
  readonly lacks: readonly string[];
  /** Volumes that stand there without a row; null or absent: not looked yet. */
  readonly orphans?: number | null | undefined;
}

export interface ExtensionStatus {
  /** Whether requests can be served: Postgres answers, and its schema is this program's. */
  readonly ready: boolean;
  readonly database: { readonly reachable: boolean; readonly message: string | null };
  readonly backends: readonly BackendStatus[];
  /** Null: there is none. */
  readonly bus: { readonly connected: boolean; readonly message: string | null } | null;
  /** Null: there is none. */
  readonly compute: {
    readonly reachable: boolean;
    readonly message: string | null;
    /** The last comparison with its list, whichever process made it; null: there was none. */
    readonly resync: {
      readonly begun: Date;
      readonly ended: Date;
      readonly outcome: 'complete' | 'incomplete' | 'braked' | 'failed';
      readonly message: string | null;
      readonly instances: number;
      readonly missing: number;
    } | null;
  } | null;
}
