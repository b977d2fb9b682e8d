import type { NovaEvent, NovaFormat, ToldInstance } from './made-messages';
import { seededRandom, takeOne } from './seeded-random';

/** How large a storm is. */
export interface StormOptions {
  /** Instances that are created in it; as many are deleted. */
  readonly instances: number;
  /** From its first event to its last message. */
  readonly seconds: number;
  /** Instances that are there at any time: before it, and at its end. */
  readonly living: number;
  readonly projects: number;
  readonly seed: number;
}

/** A message, and when. */
export interface StormMessage {
  readonly event: NovaEvent;
  readonly format: NovaFormat;
  readonly instance: ToldInstance;
  /** When it was so, milliseconds from the beginning. */
  readonly time: number;
  /** When it is sent. */
  readonly sentAt: number;
}

/** What is sent, and what is right in the end. */
export interface StormPlan {
  /** Sent at once, before it begins. */
  readonly before: readonly StormMessage[];
  /** In the order in which they are sent. */
  readonly storm: readonly StormMessage[];
  /** Those that are there before it, and at its end. */
  readonly livingBefore: readonly ToldInstance[];
  readonly livingAfter: readonly ToldInstance[];
}

/** Messages are sent up to so late, each by itself: so they are shuffled. */
const SHUFFLE_MILLISECONDS = 2_000;
const DOUBLED = 0.05;
/** An instance's address is free so long after its deletion began; the end is told of later. */
const ADDRESS_FREE_MILLISECONDS = 100;
const DELETION_MILLISECONDS = 200;
/** Addresses are few, so that they are used again and again. */
const ADDRESSES_PER_LIVING = 1.25;

/** Instances that come and go in turn, each with an address that others had before. */
export function planStorm({ instances, seconds, living, projects, seed }: StormOptions): StormPlan {
  const random = seededRandom(seed);
  const addresses = Array.from({ length: Math.ceil(living * ADDRESSES_PER_LIVING) + 10 }, (_, index) =>
    addressOf(index),
  );
  let number = 0;
  const create = (): ToldInstance => {
    number += 1;
    return { id: idOf(seed, number), project: projectOf(number % projects), addresses: [takeOne(addresses, random)] };
  };
  const livingBefore = Array.from({ length: living }, create);
  const before = livingBefore.map((instance) => message('create.end', instance, 0, 0));

  const present = [...livingBefore];
  const freed: { readonly address: string; readonly at: number }[] = [];
  const storm: StormMessage[] = [];
  const say = (event: NovaEvent, instance: ToldInstance, time: number): void => {
    const times = random() < DOUBLED ? 2 : 1;
    for (let sent = 0; sent < times; sent += 1)
      storm.push(message(event, instance, time, time + random() * SHUFFLE_MILLISECONDS));
  };
  const interval = (seconds * 1_000 - SHUFFLE_MILLISECONDS - DELETION_MILLISECONDS) / instances;
  for (let turn = 0; turn < instances; turn += 1) {
    const now = turn * interval;
    const ended = takeOne(present, random);
    say('delete.start', ended, now);
    say('delete.end', ended, now + DELETION_MILLISECONDS);
    for (const address of ended.addresses) freed.push({ address, at: now + ADDRESS_FREE_MILLISECONDS });
    for (; freed[0] && freed[0].at <= now; ) addresses.push(freed.shift()?.address ?? '');
    const created = create();
    present.push(created);
    say('create.end', created, now);
  }
  return {
    before,
    storm: storm.toSorted((one, other) => one.sentAt - other.sentAt),
    livingBefore,
    livingAfter: present,
  };
}

/** The name of a project. */
export function projectOf(index: number): string {
  return `project-${index}`;
}

function message(event: NovaEvent, instance: ToldInstance, time: number, sentAt: number): StormMessage {
  const format = Number.parseInt(instance.id.slice(-1), 16) % 2 === 0 ? 'versioned' : 'legacy';
  return { event, format, instance, time, sentAt };
}

function addressOf(index: number): string {
  return `10.${20 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}

function idOf(seed: number, number: number): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  return `${hex(seed, 8)}-0000-4000-8000-${hex(number, 12)}`;
}
