/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32), so that two processes make the same plan. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One of the list, which is not empty, and takes it out of it. The order of the rest changes. */
export function takeOne<Item>(list: Item[], random: () => number): Item {
  const index = Math.floor(random() * list.length);
  const last = list.pop();
  if (last === undefined) throw new Error('there is none to take');
  if (index >= list.length) return last;
  const taken = list[index] ?? last;
  list[index] = last;
  return taken;
}
