/** Source of wall-clock time; an argument everywhere, so that tests own time. */
export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds of this clock. */
  sleep(ms: number): Promise<void>;
};

/** Source of randomness: returns `count` unpredictable bytes. */
export type Random = (count: number) => Uint8Array;

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** The operating system's cryptographic random source. */
export const systemRandom: Random = (count) => crypto.getRandomValues(new Uint8Array(count));
