import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '../../support/eventually';
import type { StorageLab } from './lab';

/** Everybody may own names and call, on a socket that only root reaches: who may do what on a real bus is another matter. */
const BUS = (socket: string) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy>
</busconfig>
`;

/** A real NFS-Ganesha on the filer of a lab, with a D-Bus of its own, which can be stopped, killed, and started again. */
export class Ganesha {
  /** Where export files and their index go. */
  readonly exports: string;
  /** As D-Bus writes addresses. */
  readonly bus: string;
  readonly configuration: string;
  readonly log: string;
  #daemon: ChildProcess | null = null;
  #busDaemon: ChildProcess | null = null;

  /**
   * As docs/samples/ganesha.conf has it.
   * @param defaults other defaults of exports than there; null: those
   */
  constructor(
    private readonly lab: StorageLab,
    defaults: string | null = null,
  ) {
    const at = (name: string) => path.join(lab.folder, name);
    this.exports = at('exports');
    this.bus = `unix:path=${at('bus')}`;
    this.configuration = at('ganesha.conf');
    this.log = at('ganesha.log');
    for (const each of [this.exports, at('recovery')]) mkdirSync(each);
    mkdirSync('/var/run/ganesha', { recursive: true });
    writeFileSync(path.join(this.exports, 'exports.conf'), '');
    writeFileSync(at('bus.conf'), BUS(at('bus')));
    const sample = readFileSync(path.resolve(__dirname, '../../../docs/samples/ganesha.conf'), 'utf8');
    const changes: readonly (readonly [RegExp, string])[] = [
      [/^%include .*$/m, `%include "${this.exports}/exports.conf"`],
      // a server that is started again serves at once, and writes nowhere else
      [
        /^NFSv4 \{$/m,
        `NFSv4 {\n  Graceless = true;\n  RecoveryBackend = fs_ng;\n  RecoveryRoot = "${at('recovery')}";`,
      ],
      ...(defaults === null ? [] : [[/^EXPORT_DEFAULTS \{[^}]*\}$/m, `EXPORT_DEFAULTS {\n${defaults}\n}`] as const]),
    ];
    writeFileSync(
      this.configuration,
      changes.reduce((text, [what, by]) => {
        if (!what.test(text)) throw new Error(`docs/samples/ganesha.conf has nothing like ${what}`);
        return text.replace(what, by);
      }, sample),
    );
  }

  /** The settings of a backend with directories on it, as in `BACKENDS`. */
  backend(name: string, root: string) {
    return {
      name,
      driver: 'nfs',
      server: 'ganesha',
      volumes: { kind: 'directory', root },
      ganesha: {
        directory: this.exports,
        exportAddress: this.lab.filer.ipv4,
        configuration: this.configuration,
        bus: this.bus,
      },
    };
  }

  /** Starts the bus where there is none, and the server; resolves when that answers clients and calls. */
  async start(): Promise<void> {
    await this.startBus();
    const at = (name: string) => path.join(this.lab.folder, name);
    const daemon = this.lab.start(
      this.lab.filer,
      ['ganesha.nfsd', '-F', '-f', this.configuration, '-L', this.log, '-p', at('ganesha.pid'), '-N', 'NIV_EVENT'],
      { DBUS_SYSTEM_BUS_ADDRESS: this.bus },
    );
    this.#daemon = daemon;
    const before = this.#starts();
    await eventually(() => {
      if (daemon.exitCode !== null || daemon.pid === undefined)
        throw new Error(`ganesha.nfsd did not start: ${this.tail()}`);
      return this.#starts() > before ? null : 'ganesha.nfsd is not initialized';
    }, 30_000);
  }

  /** In order. */
  async stop(): Promise<void> {
    if (this.#daemon) await this.lab.stop(this.#daemon, 'SIGTERM');
  }

  async kill(): Promise<void> {
    if (this.#daemon) await this.lab.stop(this.#daemon);
  }

  async startBus(): Promise<void> {
    if (this.#busDaemon) return;
    const daemon = this.lab.start(this.lab.filer, [
      'dbus-daemon',
      `--config-file=${this.lab.folder}/bus.conf`,
      '--nofork',
      '--nopidfile',
      '--print-address',
    ]);
    this.#busDaemon = daemon;
    if (!daemon.stdout) throw new Error('dbus-daemon has no output');
    const ended = once(daemon, 'exit').then(() => {
      throw new Error('dbus-daemon did not start');
    });
    await Promise.race([once(createInterface({ input: daemon.stdout }), 'line'), ended]);
  }

  /** Resolves when the server is not running. */
  async ended(): Promise<void> {
    const daemon = this.#daemon;
    if (daemon && daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
  }

  /** The server ends with its bus: so does the D-Bus library that it uses. */
  async killBus(): Promise<void> {
    if (this.#busDaemon) await this.lab.stop(this.#busDaemon);
    this.#busDaemon = null;
  }

  /** The end of its log. */
  tail(): string {
    return existsSync(this.log)
      ? readFileSync(this.log, 'utf8').split('\n').slice(-12).join('\n')
      : 'it has written no log';
  }

  #starts(): number {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8').split('NFS SERVER INITIALIZED').length : 1;
  }
}
