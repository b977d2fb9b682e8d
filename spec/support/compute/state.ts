/** What the stand-in for the Compute API knows and how it behaves: the content of its file. */
export interface ComputeState {
  /** By id. A deleted one (`vm_state: 'deleted'`) is a 404, and in lists of `deleted=true` alone. */
  readonly servers: Readonly<Record<string, StandInServer>>;
  /** By token: anyone else gets 401. */
  readonly tokens: Readonly<Record<string, StandInToken>>;
  /** Servers of which nobody holds a list, behind all others. */
  readonly generate?: Generation | undefined;
  /** Of a page, whatever is asked for. 1,000 by default. */
  readonly maxLimit?: number | undefined;
  /** The newest microversion; a newer one is a 406. 2.93 by default. */
  readonly newest?: string | undefined;
  /** Ids that lists leave out, and that are found all the same. */
  readonly partial?: readonly string[] | undefined;
  /** Ids of servers whose cell is down, as Nova tells of them: UNKNOWN, left out of lists with a limit, or a 500. */
  readonly unknownCells?: readonly string[] | undefined;
  /** Status of the n-th page of lists, from 1. */
  readonly failingPages?: Readonly<Record<number, number>> | undefined;
  /** Status by path pattern, such as `/servers/{id}/os-interface`. */
  readonly failing?: Readonly<Record<string, number>> | undefined;
  readonly delayMilliseconds?: number | undefined;
  /** What comes instead of an answer: a page of HTML, JSON that ends too soon, 20 MB, or bytes without end. */
  readonly wrong?: 'html' | 'truncated' | 'large' | 'endless' | undefined;
  /** Closes connections without an answer: all, or so many since the file was written. */
  readonly away?: boolean | number | undefined;
  /** Answers 302 with this location. */
  readonly redirect?: string | undefined;
}

export interface StandInToken {
  readonly project: string;
  readonly admin: boolean;
  /** A role that may list all projects, and is no administrator: it finds what is of its own project alone. */
  readonly listsAll?: boolean | undefined;
}

export interface StandInServer {
  readonly project: string;
  readonly name: string;
  readonly vm_state: string;
  readonly task_state: string | null;
  readonly addresses: readonly StandInAddress[];
  /** `2026-11-23T14:23:37Z`. */
  readonly created: string;
  readonly updated?: string | undefined;
  readonly user?: string | undefined;
  readonly launched?: string | null | undefined;
  readonly terminated?: string | null | undefined;
  /** Of the instance on its host: 4 is `instance-00000004`. */
  readonly number?: number | undefined;
}

export interface StandInAddress {
  /** The network's label. */
  readonly network: string;
  readonly addr: string;
  readonly type: 'fixed' | 'floating';
  readonly mac: string;
  readonly port: string;
  readonly netId: string;
}

export interface Generation {
  readonly count: number;
  /** They take turns. One, `generated-0`, by default. */
  readonly projects?: number | undefined;
}

/** A cloud of no servers with an administrator's token. */
export const EMPTY_CLOUD: ComputeState = { servers: {}, tokens: { 'admin-token': { project: 'admin', admin: true } } };

/** A server: active, of project alpha, with one fixed address. */
export function aServer(rest: Partial<StandInServer> = {}): StandInServer {
  const addresses = [aStandInAddress('10.20.0.21')];
  const created = '2026-11-23T14:23:37Z';
  return { project: 'alpha', name: 'a1', vm_state: 'active', task_state: null, addresses, created, ...rest };
}

/** An address of a port of its own on the network `alpha-net`. */
export function aStandInAddress(addr: string, rest: Partial<StandInAddress> = {}): StandInAddress {
  const port = 'ce531f90-199f-48c0-816c-13e38010b442';
  const netId = '11111111-1111-4111-8111-111111111111';
  return { network: 'alpha-net', addr, type: 'fixed', mac: 'fa:16:3e:00:00:15', port, netId, ...rest };
}
