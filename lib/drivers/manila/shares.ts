import { fieldOf, isJsonObject } from '../../json';
import { NewerRevision, TerminalError, type Volume } from '../../ports/driver';
import { type ManilaApi, ManilaRefused, saysAbsent, unreadable } from './manila-api';
import { pollUntil } from './poll';
import { isUnderWay, listIn, METADATA, readShare, revisionOf, type Share, serviceState, textIn } from './share';

/** What new shares are made as. */
export interface ShareKind {
  /** The backend's name, which stands on every share. */
  readonly backend: string;
  /** Name or id of a share type. */
  readonly shareType: string;
  /** `NFS`. */
  readonly protocol: string;
  /** Null: as the share type has it. */
  readonly shareNetwork: string | null;
  readonly availabilityZone: string | null;
}

const PAGE = 500;
/** Rows that a page has of the one before, at most. */
const OVERLAP = 50;

/** The shares of one backend, which are found by what we wrote down on them. */
export class Shares {
  constructor(
    private readonly api: ManilaApi,
    private readonly kind: ShareKind,
  ) {}

  /**
   * The share of a filesystem; null: there is none. Where a crash has left two, it is the one that was in service, or the
   * older one: the other is left alone.
   */
  async find(id: string, signal: AbortSignal): Promise<Share | null> {
    const page = await this.#page({ [METADATA.id]: id, [METADATA.backend]: this.kind.backend }, 0, signal);
    const own = await this.#own(page, signal);
    const [first] = own.filter(({ metadata }) => metadata.get(METADATA.id) === id).toSorted(byPrecedence);
    return first ?? null;
  }

  /** All of the backend. Pages overlap: a share that goes in between hides no other. */
  async all(signal: AbortSignal): Promise<readonly Share[]> {
    const seen = new Set<string>();
    const found: Share[] = [];
    for (let offset = 0; ; ) {
      const page = await this.#page({ [METADATA.backend]: this.kind.backend }, offset, signal);
      const fresh = page.filter(({ id }) => !seen.has(id));
      if (fresh.length === 0) return this.#own(found, signal);
      for (const share of fresh) seen.add(share.id);
      found.push(...fresh);
      // Manila's own limit may be below the one that is asked for
      offset += page.length - Math.min(OVERLAP, Math.floor(page.length / 2));
    }
  }

  /** What Manila says of it now; null: it has gone. */
  async get({ id }: Pick<Share, 'id'>, signal: AbortSignal): Promise<Share | null> {
    const { status, body } = await this.api.ask({ method: 'GET', path: `/shares/${id}`, prepared: [200, 404] }, signal);
    if (status === 200 && isJsonObject(body)) return readShare(fieldOf(body, 'share'));
    if (status === 404 && saysAbsent(body)) return null;
    throw unreadable();
  }

  /** Waits until Manila does nothing with it any more. @returns null when it has gone */
  async settled(share: Share, signal: AbortSignal): Promise<Share | null> {
    if (!isUnderWay(share)) return share;
    const found = await pollUntil(async () => {
      const now = await this.get(share, signal);
      return now !== null && isUnderWay(now) ? null : { now };
    }, signal);
    return found.now;
  }

  /** @returns it, while Manila makes it. @throws TerminalError when the project's quota does not allow it */
  async create(volume: Volume, metadata: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Share> {
    const { backend, shareType, protocol, shareNetwork, availabilityZone } = this.kind;
    const share = {
      name: `nova-shared-filesystem ${volume.name}`,
      description: `Filesystem ${volume.id} of backend ${backend}. It is found by its metadata: leave that as it is.`,
      size: gigabytes(volume),
      share_proto: protocol,
      share_type: shareType,
      is_public: false,
      metadata: { ...metadata, [METADATA.id]: volume.id, [METADATA.backend]: backend },
      ...(shareNetwork !== null && { share_network_id: shareNetwork }),
      ...(availabilityZone !== null && { availability_zone: availabilityZone }),
    };
    const request = { method: 'POST', path: '/shares', body: { share }, prepared: [200, 202] } as const;
    const { body } = await this.#withinQuota(() => this.api.ask(request, signal));
    return readShare(isJsonObject(body) ? fieldOf(body, 'share') : undefined);
  }

  /** Writes down more on it. Manila writes all again that was there: nothing else may write meanwhile. */
  async note(share: Share, metadata: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    await this.api.ask({ method: 'POST', path: `/shares/${share.id}/metadata`, body: { metadata } }, signal);
  }

  /**
   * Claims it for the list of a revision. There is no compare and swap in Manila: so it is looked at again between the steps
   * of a change, and what a late writer has put down is put right.
   * @returns whether it was held by this revision already
   * @throws NewerRevision
   */
  async hold(share: Share, revision: bigint, signal: AbortSignal): Promise<boolean> {
    const now = await this.get(share, signal);
    if (now === null || now.metadata.get(METADATA.revision) === String(revision)) return true;
    if (revisionOf(now) > revision) throw new NewerRevision(revisionOf(now));
    await this.note(share, { [METADATA.revision]: String(revision) }, signal);
    return false;
  }

  /** Grows or shrinks it, and waits. @throws TerminalError when that cannot be: the old size stays */
  async resize(share: Share, volume: Volume, signal: AbortSignal): Promise<void> {
    const wanted = gigabytes(volume);
    if (share.sizeGigabytes === wanted) return;
    const verb = share.sizeGigabytes < wanted ? 'extend' : 'shrink';
    const body = { [verb]: { new_size: wanted } };
    const request = { method: 'POST', path: `/shares/${share.id}/action`, body, prepared: [200, 202] } as const;
    await this.#withinQuota(() => this.api.ask(request, signal));
    await this.settled({ ...share, status: `${verb}ing` }, signal);
    // again: Manila reads status and size one after the other, and told a new one with an old one
    const now = await this.get(share, signal);
    if (now?.status === 'available' && now.sizeGigabytes === wanted) return;
    if (verb === 'shrink' && (now?.status === 'available' || now?.status === 'shrinking_possible_data_loss_error'))
      throw new TerminalError(
        `Manila has not made it smaller: it holds more than ${wanted} GiB, or its storage cannot shrink. The old size stays.`,
      );
    throw new Error(`Manila could not ${verb} the share ${share.id}: it is ${now?.status ?? 'gone'}. ${ADMINISTRATOR}`);
  }

  /** Asks for its end. */
  async delete({ id }: Share, signal: AbortSignal): Promise<void> {
    await this.api.ask({ method: 'DELETE', path: `/shares/${id}`, prepared: [202, 404] }, signal);
  }

  /** Where clients mount it from: the preferred location, if Manila has a preference. */
  async exportLocation({ id }: Share, signal: AbortSignal): Promise<string> {
    const { body } = await this.api.ask({ method: 'GET', path: `/shares/${id}/export_locations` }, signal);
    const locations = listIn(body, 'export_locations').map((each) => {
      if (!isJsonObject(each)) throw unreadable();
      const isPreferred = fieldOf(each, 'preferred') === true;
      const isForAdministrators = fieldOf(each, 'is_admin_only') === true;
      return { path: textIn(each, 'path'), isPreferred, isForAdministrators };
    });
    const [first] = locations
      .filter(({ path, isForAdministrators }) => path !== '' && !isForAdministrators)
      .toSorted(
        (one, other) => Number(other.isPreferred) - Number(one.isPreferred) || (one.path < other.path ? -1 : 1),
      );
    if (!first) throw new Error(`Manila has no export location of the share ${id} yet.`);
    return first.path;
  }

  async #page(
    metadata: Readonly<Record<string, string>>,
    offset: number,
    signal: AbortSignal,
  ): Promise<readonly Share[]> {
    const query = new URLSearchParams({
      metadata: JSON.stringify(metadata),
      sort_key: 'created_at',
      sort_dir: 'asc',
      limit: String(PAGE),
      offset: String(offset),
    });
    const { body } = await this.api.ask({ method: 'GET', path: `/shares/detail?${query.toString()}` }, signal);
    return listIn(body, 'shares').map(readShare);
  }

  /** An administrator's list can have shares of other projects, and not every Manila filters. */
  async #own(shares: readonly Share[], signal: AbortSignal): Promise<readonly Share[]> {
    const project = await this.api.projectId(signal);
    return shares.filter(
      ({ projectId, metadata }) => projectId === project && metadata.get(METADATA.backend) === this.kind.backend,
    );
  }

  async #withinQuota<Result>(ask: () => Promise<Result>): Promise<Result> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ManilaRefused && (error.status === 413 || /exceed/i.test(error.reason)))
        throw new TerminalError('The storage quota that Manila gives this service does not allow that size.', {
          cause: error,
        });
      throw error;
    }
  }
}

/** Manila counts in whole GiB: rounded up. */
export function gigabytes({ size }: Pick<Volume, 'size'>): number {
  return Number((size.bytes + (1n << 30n) - 1n) >> 30n);
}

/** What is said of a share in a state that this driver has no way out of. */
export const ADMINISTRATOR =
  'An administrator of Manila has to look for it (openstack share message list), and to reset its state.';

function byPrecedence(one: Share, other: Share): number {
  const age = `${one.createdAt} ${one.id}` < `${other.createdAt} ${other.id}` ? -1 : 1;
  return Number(wasNeverServed(one)) - Number(wasNeverServed(other)) || age;
}

function wasNeverServed(share: Share): boolean {
  return serviceState(share) === 'creating';
}
