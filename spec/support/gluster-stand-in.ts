import { ProgramFailed } from '../../lib/drivers/run';

/** A volume, as glusterd and its bricks have it. */
interface StandInVolume {
  readonly bricks: readonly string[];
  readonly options: Map<string, string>;
  isStarted: boolean;
  limit: bigint | null;
}

/** glusterd dies or hangs beyond that. */
const LONGEST_VALUE = 4_088;
const DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

/**
 * A Gluster cluster in memory, behind what its CLI would be called with and would write (recorded from 10.3). It outlives the
 * processes that use it. Its bricks are one disk.
 */
export class GlusterStandIn {
  readonly volumes = new Map<string, StandInVolume>();
  /** What is on the disk: by volume, the names of files and their bytes. */
  readonly data = new Map<string, Map<string, number>>();
  /** `address:port` of clients, by volume. */
  readonly connected = new Map<string, string[]>();
  /** Connections that stay whatever the list says, and however often one looks. */
  readonly stubborn = new Set<string>();
  /** All calls, as words. */
  readonly calls: string[] = [];
  isMounted = true;
  /** What holds quotas answers. */
  hasQuotad = true;
  /** So many calls that change something are refused, since another transaction runs. */
  busyTimes = 0;
  /** Answers that are given in place of the true ones, once each. */
  readonly answers: string[] = [];
  /** Answers a call in place of the true cluster; null: it does not. */
  override: (call: string) => string | null = () => null;

  readonly run = async (program: string, args: readonly string[], signal: AbortSignal): Promise<string> => {
    signal.throwIfAborted();
    this.calls.push([program, ...args].join(' '));
    // another process is served meanwhile
    await new Promise((resolve) => setImmediate(resolve));
    if (args.includes('/usr/bin/rm')) return this.#remove(args.at(-1) ?? '');
    const words = args.slice(args.indexOf('--xml') + 1);
    return this.override(args.join(' ')) ?? this.answers.shift() ?? this.#busy(words) ?? this.#answer(words);
  };

  /** Calls of the CLI that begin with these words. */
  callsOf(...words: readonly string[]): readonly string[] {
    return this.calls.filter((call) => call.includes(`--xml ${words.join(' ')}`));
  }

  #busy([, verb = '', name]: readonly string[]): string | null {
    if (this.busyTimes === 0 || ['info', 'status'].includes(verb)) return null;
    this.busyTimes--;
    return refusal(`Another transaction is in progress for ${name}. Please try again after some time.`);
  }

  #answer([, verb = '', name = '', ...rest]: readonly string[]): string {
    switch (verb) {
      case 'info':
        return this.#info(name);
      case 'status':
        return this.#status(name, rest[0] ?? '');
      case 'quota':
        return this.#quota(name, rest);
      default:
        return this.#change(verb, name, rest);
    }
  }

  #change(verb: string, name: string, rest: readonly string[]): string {
    if (verb === 'create') return this.#create(name, rest);
    const volume = this.volumes.get(name);
    if (!volume) return refusal(`Volume ${name} does not exist`);
    switch (verb) {
      case 'set':
        return this.#set(name, volume, rest);
      case 'start':
        if (volume.isStarted) return refusal(`Volume ${name} already started`);
        if (!this.isMounted || !this.data.has(name))
          return refusal(`Failed to find brick directory for volume ${name}`);
        volume.isStarted = true;
        return success();
      case 'stop':
        if (!volume.isStarted) return refusal(`Volume ${name} is not in the started state`);
        volume.isStarted = false;
        this.connected.delete(name);
        return success();
      case 'delete':
        if (volume.isStarted) return refusal(`Volume ${name} has been started. Volume needs to be stopped`);
        this.volumes.delete(name);
        return success();
      default:
        throw new Error(`the stand-in does not know ${verb}`);
    }
  }

  #create(name: string, rest: readonly string[]): string {
    if (this.volumes.has(name)) return refusal(`Volume ${name} already exists`);
    if (!this.isMounted) return refusal(`Failed to create brick directory for volume ${name}`);
    const bricks = rest.filter((each) => each.includes(':'));
    this.volumes.set(name, { bricks, options: new Map([['nfs.disable', 'on']]), isStarted: false, limit: null });
    this.data.set(name, new Map());
    return success();
  }

  #set(name: string, { options }: StandInVolume, rest: readonly string[]): string {
    const pairs = Array.from({ length: rest.length / 2 }, (_, index) => rest.slice(2 * index, 2 * index + 2));
    for (const [option = '', value = ''] of pairs) {
      if (value === '') throw new ProgramFailed('gluster', 1, false, 'Usage: volume set <VOLNAME> <KEY> <VALUE>');
      if (value.length > LONGEST_VALUE) throw new Error('glusterd has died: the value is too long');
      if (/^features\..*(timeout|statfs)/.test(option) && options.get('features.quota') !== 'on')
        return refusal(`Cannot set ${option}. Enable quota first.`);
    }
    for (const [option = '', value = ''] of pairs) options.set(option, value);
    const allowed = (options.get('auth.allow') ?? '').split(',');
    const stay = (this.connected.get(name) ?? []).filter(
      (each) => this.stubborn.has(each) || allowed.includes(each.replace(/:\d+$/, '')),
    );
    this.connected.set(name, stay);
    return success();
  }

  #quota(name: string, [verb, , bytes = '']: readonly string[]): string {
    const volume = this.volumes.get(name);
    if (!volume) return refusal(`Volume ${name} does not exist`);
    if (!volume.isStarted) return refusal('Volume is stopped, start volume before executing quota command.');
    if (verb === 'enable') {
      volume.options.set('features.quota', 'on');
      return success();
    }
    if (volume.options.get('features.quota') !== 'on') return refusal(`Quota is disabled, please enable quota`);
    if (!this.isMounted || !this.data.has(name)) return refusal('Failed to start aux mount');
    if (verb === 'limit-usage') {
      volume.limit = BigInt(bytes);
      return success();
    }
    if (!this.hasQuotad) return refusal('Failed to get quota limits: quotad is not running');
    const used = [...(this.data.get(name)?.values() ?? [])].reduce((sum, each) => sum + each, 0);
    return success(
      `<volQuota><limit><path>/</path><hard_limit>${volume.limit ?? 'N/A'}</hard_limit><used_space>${used}</used_space></limit></volQuota>`,
    );
  }

  #info(name: string): string {
    const chosen = [...this.volumes].filter(([each]) => name === 'all' || each === name);
    if (name !== 'all' && chosen.length === 0) return refusal('Volume does not exist', 30_806);
    const volumes = chosen.map(
      ([each, { bricks, options, isStarted }]) => `
      <volume>
        <name>${each}</name>
        <statusStr>${isStarted ? 'Started' : 'Stopped'}</statusStr>
        <bricks>${bricks.map((brick) => `<brick uuid="3877">${brick}<name>${brick}</name><isArbiter>0</isArbiter></brick>`).join('')}</bricks>
        <options>${[...options].map(([key, value]) => `<option><name>${key}</name><value>${value}</value></option>`).join('')}</options>
      </volume>`,
    );
    return success(`<volInfo><volumes>${volumes.join('')}<count>${volumes.length}</count></volumes></volInfo>`);
  }

  #status(name: string, of: string): string {
    const volume = this.volumes.get(name);
    if (!volume) return refusal(`Volume ${name} does not exist`);
    if (!volume.isStarted) return refusal(`Volume ${name} is not started`);
    const clients = (this.connected.get(name) ?? []).map((each) => `<client><hostname>${each}</hostname></client>`);
    const state = this.isMounted
      ? '<status>1</status><sizeTotal>1000000000</sizeTotal><sizeFree>900000000</sizeFree><device>/dev/vdb</device>'
      : '<status>0</status><port>N/A</port>';
    const nodes = volume.bricks.map((brick) => {
      const [host = '', folder = ''] = brick.split(/:(?=\/)/);
      return `<node><hostname>${host}</hostname><path>${folder}</path>${state}${
        of === 'clients' ? `<clientsStatus><clientCount>1</clientCount>${clients.join('')}</clientsStatus>` : ''
      }</node>`;
    });
    return success(
      `<volStatus><volumes><volume><volName>${name}</volName>${nodes.join('')}</volume></volumes></volStatus>`,
    );
  }

  #remove(folder: string): string {
    if (!this.isMounted) return '';
    this.data.delete(folder.split('/').at(-1) ?? '');
    return '';
  }
}

/** What the CLI writes of a call that did what it should. */
export function success(more = ''): string {
  return `${DECLARATION}<cliOutput>\n  <opRet>0</opRet>\n  <opErrno>0</opErrno>\n  <opErrstr/>\n${more}</cliOutput>\n`;
}

/** What it writes of one that did not; it ends with 0 then too. */
export function refusal(why: string, errno = 30_800): string {
  return `${DECLARATION}<cliOutput><opRet>-1</opRet><opErrno>${errno}</opErrno><opErrstr>${why}</opErrstr></cliOutput>\n`;
}
