/**
 * The reference for values: every version ever committed, read by replay.
 *
 * Written to be obviously right: writes are kept in commit order; the answer at a sequence is the last one at or below it
 * that touches the key.
 */
import type { Interval } from './intervals'
import { intervalContains, pointInterval } from './intervals'

/** One write: a put where `value` is given, else a deletion of everything in `interval`. */
export interface ModelWrite {
  readonly interval: Interval
  readonly value: string | undefined
}

interface Version {
  readonly sequence: number
  readonly value: string | undefined
}

/** A put or delete of one key. */
export function pointWrite(key: string, value: string | undefined): ModelWrite {
  return { interval: pointInterval(key), value }
}

/** The newest of `writes` that touches `key`, or undefined. */
export function lastWriteOf(writes: readonly ModelWrite[], key: string): ModelWrite | undefined {
  for (let i = writes.length - 1; i >= 0; i--) {
    if (intervalContains(writes[i]!.interval, key)) return writes[i]
  }
  return undefined
}

/** All versions of all keys. */
export class VersionModel {
  readonly #versionsByKey = new Map<string, Version[]>()
  readonly #rangeDeletions: { readonly sequence: number; readonly interval: Interval }[] = []
  #keysSorted: string[] | undefined

  /** Adds a commit's writes, in the order they were made. REQUIRES: sequences ascend. */
  commit(writes: readonly ModelWrite[], sequence: number): void {
    for (const { interval, value } of writes) {
      if (interval.end !== `${interval.start}\0`) {
        // A key already put by this commit is deleted by a later range deletion of it, so the order inside matters.
        for (const [key, versions] of this.#versionsByKey) {
          if (!intervalContains(interval, key)) continue
          if (versions.at(-1)?.sequence === sequence) versions[versions.length - 1] = { sequence, value: undefined }
        }
        this.#rangeDeletions.push({ sequence, interval })
        continue
      }
      const versions = this.#versionsByKey.get(interval.start)
      if (versions === undefined) {
        this.#versionsByKey.set(interval.start, [{ sequence, value }])
        this.#keysSorted = undefined
      } else if (versions.at(-1)?.sequence === sequence) {
        versions[versions.length - 1] = { sequence, value }
      } else {
        versions.push({ sequence, value })
      }
    }
  }

  /** The value of `key` at `sequence`. */
  valueAt(key: string, sequence: number): string | undefined {
    const versions = this.#versionsByKey.get(key) ?? []
    let newest = versions.length - 1
    while (newest >= 0 && versions[newest]!.sequence > sequence) newest--
    const version = versions[newest]
    if (version?.value === undefined) return undefined
    for (let i = this.#rangeDeletions.length - 1; i >= 0; i--) {
      const deletion = this.#rangeDeletions[i]!
      if (deletion.sequence <= version.sequence) break
      if (deletion.sequence <= sequence && intervalContains(deletion.interval, key)) return undefined
    }
    return version.value
  }

  /** Rows of `interval` at `sequence` with `own` writes over them, ascending. */
  rowsAt(interval: Interval, sequence: number, own: readonly ModelWrite[] = []): [string, string][] {
    this.#keysSorted ??= [...this.#versionsByKey.keys()].sort()
    const ownKeys = own.filter(({ value }) => value !== undefined).map(({ interval: { start } }) => start)
    const isFresh = ownKeys.some((key) => !this.#versionsByKey.has(key))
    const keys = isFresh ? [...new Set([...this.#keysSorted, ...ownKeys])].sort() : this.#keysSorted
    const rows: [string, string][] = []
    for (const key of keys) {
      if (!intervalContains(interval, key)) continue
      const mine = lastWriteOf(own, key)
      const value = mine === undefined ? this.valueAt(key, sequence) : mine.value
      if (value !== undefined) rows.push([key, value])
    }
    return rows
  }
}
