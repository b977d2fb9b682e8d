// Made of schemas/config.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Settings of the gateway: environment variables. An empty one counts as not set. Lists are written with commas.
 */
export interface Configuration {
  /**
   * The address or name to listen on. With `IDENTITY=development` it must be a loopback address.
   */
  HOST: string;
  /**
   * The TCP port to listen on; 8774 is Compute's own. 0: any that is free, as the log line `listening` says.
   */
  PORT: number;
  /**
   * How clients reach this gateway, `https://compute.example.org`: links in answers begin with it. Without it links of the extension are paths, and those of the version documents name the address that is listened on; the `Host` header of a request is never believed.
   */
  PUBLIC_URL?: string;
  /**
   * The folder of the embedded Postgres (`postgres-18/`) and of the default backend (`volumes/<id>`, `exports/<id>.exports`). Relative to the working directory.
   */
  DATA_DIR: string;
  /**
   * The Postgres to use, 15 or later: `postgres://user:password@host:5432/database`. Without it an embedded one is started in `DATA_DIR`.
   */
  DATABASE_URL?: string;
  /**
   * How the caller is found out. `development` takes everybody for an administrator of the tenant in the URL, and `X-Project-Id`, `X-User-Id` and `X-Roles` (a comma list; empty: no role) each replace their own part: it listens on loopback addresses alone. `headers` trusts the same headers as keystonemiddleware's `auth_token` sets them, with `X-Identity-Status: Confirmed`, from `TRUSTED_PROXIES` alone.
   */
  IDENTITY: 'development' | 'headers';
  /**
   * Whose headers are believed with `IDENTITY=headers`: addresses or CIDRs.
   *
   * @minItems 1
   */
  TRUSTED_PROXIES: [string, ...string[]];
  /**
   * A JSON file with the storage backends (docs/drivers.md), and rules which of them new filesystems go to (docs/filers.md); without rules to the first. Without it there is one, `default`, of the `nfs` driver, which keeps directories and writes exports files in `DATA_DIR`.
   */
  BACKENDS?: string;
  /**
   * The address or name at which instances reach the default backend's NFS server; 127.0.0.1 when not set. Backends of a `BACKENDS` file each say their own.
   */
  EXPORT_ADDRESS?: string;
  /**
   * Addresses that count, as CIDRs; where tenants may make networks of their own, each with the id of its Neutron network: `10.20.0.0/16@<id>`. An address outside of them is never let in. Without it no address counts, but with `IDENTITY=development` every one does.
   *
   * @minItems 1
   */
  NETWORKS?: [string, ...string[]];
  /**
   * Which of an instance's addresses count: `fixed`, `floating` or `both`. Floating ones have no port of their own: they count by CIDRs without a network's id alone.
   *
   * @minItems 1
   */
  ADDRESSES: ['fixed' | 'floating' | 'both', ...('fixed' | 'floating' | 'both')[]];
  /**
   * How many addresses of one instance count, the first in their order as numbers; those above are a fault of its entry.
   */
  MAX_ADDRESSES_PER_INSTANCE: number;
  /**
   * The Compute API, the truth behind the notifications: `http://compute.example.org:8774/v2.1`. With it the directory of instances is compared with Compute's list at the start, every `RESYNC_INTERVAL`, after the bus was away, and at SIGUSR2; unknown instances and disputed addresses are asked about; and what `_events` would grant waits for Compute's word.
   */
  COMPUTE_URL?: string;
  /**
   * The token that `COMPUTE_URL` is asked with, of a user who sees the servers of all projects. Needed with it.
   */
  COMPUTE_TOKEN?: string;
  /**
   * Seconds between two comparisons with Compute's list, give or take a tenth.
   */
  RESYNC_INTERVAL: number;
  /**
   * How many of the live instances may be missing from Compute's list without an alarm, in percent; ten always. Compute is asked about each that is missing before its access ends.
   */
  RESYNC_LARGEST_WITHDRAWAL: number;
  /**
   * The message bus that Nova sends its notifications on: `amqp://user:password@host:5672/vhost` or `amqps://…`, several with commas, or Nova's own `transport_url` (`rabbit://user:password@host1:5672,user:password@host2:5672/vhost`). Certificates that Node does not know by itself go into `NODE_EXTRA_CA_CERTS`.
   */
  AMQP_URL?: string;
  /**
   * The exchanges that Nova sends to, its `control_exchange`.
   *
   * @minItems 1
   */
  AMQP_EXCHANGES: [string, ...string[]];
  /**
   * The name of our own queue: one a deployment, shared by all its processes. Without it: `nova-shared-filesystem.` and the deployment's identity, which stands in the database. A queue keeps the bindings to exchanges that were configured before: delete it when `AMQP_EXCHANGES` changes.
   */
  AMQP_QUEUE?: string;
  /**
   * Which of Nova's notification formats are listened to. Its own default, `notification_format = unversioned`, sends `legacy` ones alone, which tell nothing of interfaces that come and go; with `versioned` or `both` in nova.conf `versioned` is enough here.
   */
  NOTIFICATIONS: 'versioned' | 'legacy' | 'both';
  /**
   * The topic of versioned notifications, Nova's `versioned_notifications_topics`.
   */
  VERSIONED_TOPIC: string;
  /**
   * The topic of legacy notifications, the `topics` of nova.conf's `[oslo_messaging_notifications]`.
   */
  LEGACY_TOPIC: string;
  /**
   * How long the access log is kept, in days. What tells who is let in now is kept longer.
   */
  ACCESS_LOG_RETENTION: number;
  /**
   * How long a deleted filesystem's data is kept, in seconds.
   */
  DELETION_GRACE: number;
  /**
   * What becomes of differences between what backends let in and what they were last confirmed to let in: `repair` tells them and puts them right, `report` tells them alone, `off` does not look. Orphans are looked for always.
   */
  DRIFT: 'repair' | 'report' | 'off';
  /**
   * Within how many seconds every volume is compared with its access list once, a share at a time, and how often orphans are looked for.
   */
  DRIFT_INTERVAL: number;
  /**
   * User and project ids that may report instance events beside administrators.
   */
  EVENT_REPORTERS: string[];
  /**
   * Entries on one page of a list at most.
   */
  MAX_LIMIT: number;
  /**
   * The manifests of the extensions to serve, relative to the working directory. Without it: this one alone.
   *
   * @minItems 1
   */
  EXTENSIONS?: [string, ...string[]];
  /**
   * Of `nova-shared-filesystem reconcile` alone: the TCP port on `HOST` for `/healthz`, `/readyz` and `/metrics`. Without it there is none. 0: any that is free, as the log line `reconciling` says.
   */
  HEALTH_PORT?: number;
  /**
   * What is logged: this and what is worse.
   */
  LOG_LEVEL: 'debug' | 'info' | 'warn' | 'error';
}
