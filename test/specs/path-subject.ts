/**
 * What paths are driven on, and what the drivers of both modules share: keys, contents, and the comparison.
 */
import type { Store } from '../../src/mvcc/contract'
import { createLsmSubject } from '../support/harness/lsm-subject'
import { createStoreSubject } from '../support/harness/store-subject'

/** A store and the hands that tests have on it. */
export interface PathSubject {
  readonly store: Store
  publishThrough(sequence: number): void
  checkAtRest(): void
  /** Drops whatever nothing live can see, where that can be asked for. */
  collect(): void
  /** Between two steps: lets the background go on. */
  work(): Promise<void> | undefined
  close(): Promise<void>
}

/** The in-memory engine: every step is synchronous. */
export function createMemoryPathSubject(): PathSubject {
  const { store, engine, ...subject } = createStoreSubject({ restCheckEvery: 64 })
  return {
    store,
    publishThrough: subject.publishThrough,
    checkAtRest: () => subject.checkAtRest?.(),
    collect: () => engine.collectVersions(),
    work: () => undefined,
    close: () => engine.close(),
  }
}

/** The LSM engine on a disk in memory, limits at their least, flushed and merged all the time. */
export async function createLsmPathSubject(): Promise<PathSubject> {
  const subject = await createLsmSubject()
  let steps = 0
  return {
    store: subject.store,
    publishThrough: (sequence) => subject.publishThrough(sequence),
    checkAtRest: () => subject.checkAtRest?.(),
    collect: () => undefined,
    work: () => subject.work(++steps),
    close: () => subject.close(),
  }
}

/** Where the engine answers otherwise than the model. */
export class PathFailure extends Error {
  constructor(what: string, shown: unknown, expected: unknown) {
    super(`${what}: the engine says ${print(shown)}, the model ${print(expected)}`)
    this.name = 'PathFailure'
  }
}

function print(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return typeof value === 'object' ? JSON.stringify(value) : `${value as string | number | boolean | undefined}`
}

/** Throws `PathFailure` unless they are the same. */
export function same(what: string, shown: unknown, expected: unknown): void {
  if (shown !== expected) throw new PathFailure(what, shown, expected)
}

/** Keys of the engine by the model's number, which counts from 1. */
export const KEYS = ['a', 'b', 'c'] as const

/** The key of a number. */
export function keyOf(number: number): string {
  return KEYS[number - 1]!
}

/** The range around neighbouring keys. */
export function rangeOf(keys: readonly number[]): { readonly start: string; readonly end: string } {
  return { start: keyOf(keys[0]!), end: `${keyOf(keys.at(-1)!)}\0` }
}

interface Version {
  readonly sequence: number
  readonly value: string | undefined
}

/** What every key holds at every sequence, as text; a value tells who wrote it. */
export class Contents {
  #versions = new Map<number, Version[]>(KEYS.map((_, index) => [index + 1, []]))

  /** What a snapshot at `sequence` sees. */
  at(key: number, sequence: number): string | undefined {
    return this.#of(key)
      .filter((version) => version.sequence <= sequence)
      .at(-1)?.value
  }

  commit(sequence: number, writes: ReadonlyMap<number, string | undefined>): void {
    for (const [key, value] of writes) this.#of(key).push({ sequence, value })
  }

  /** A path has ended: of older versions only the newest matters. */
  forget(): void {
    for (const [key, versions] of this.#versions) this.#versions.set(key, versions.slice(-1))
  }

  #of(key: number): Version[] {
    return this.#versions.get(key)!
  }
}
