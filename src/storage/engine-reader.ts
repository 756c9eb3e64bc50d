/**
 * The read side of an LSM engine: lookups and cursors over memtables and tables.
 *
 *   memtable -> frozen, newest first -> level 0, newest first -> one table of each level below
 *
 * 1. The first source that has anything for a key at a sequence decides (table-set.ts says why).
 * 2. A read that is answered at once allocates nothing but its value: `Lookup` and `KeyHash` are the reader's own, used up
 *    before it returns. One that has to wait gets a `Lookup` from the table, and pins the table set meanwhile.
 * 3. A cursor keeps the memtables and the table set it began with: flushes and merges go on under it unseen.
 *
 * Pinned by test/contract/engine.
 */
import type { Key } from '../base/bytes'
import { CorruptionError } from '../base/errors'
import type { HistoryOptions, KeyHistory } from '../base/key-history'
import type { KeyRange } from '../base/key-range'
import type { Sequence } from '../base/sequence'
import type { EngineCursor, EngineEvent } from './engine'
import { liveHistory } from './inspect/history-live'
import type { HistorySources } from './inspect/history-live'
import { KeyHash, hashKey } from './table/filter'
import { LOOKUP_VALUE, Lookup } from './rows/lookup'
import type { Memtables } from './memtable/memtables'
import type { RangeTombstoneIndex } from './rows/range-tombstones'
import { RowCursor } from './row-cursor'
import type { TableSet } from './table/table-set'
import type { TableStore } from './table/table-store'
import type { VersionCursor } from './rows/version-cursor'

/** Answers reads of one engine. */
export class EngineReader {
  readonly #memtables: Memtables
  readonly #tables: TableStore
  readonly #onEvent: (event: EngineEvent) => void
  readonly #cursors = new Set<EngineCursor>()
  readonly #waiting = new Set<Promise<unknown>>()
  readonly #found = new Lookup()
  readonly #hash = new KeyHash()

  constructor(memtables: Memtables, tables: TableStore, onEvent: (event: EngineEvent) => void) {
    this.#memtables = memtables
    this.#tables = tables
    this.#onEvent = onEvent
  }

  /** Cursors that are open. */
  get cursors(): number {
    return this.#cursors.size
  }

  /** As `Engine.get`. */
  get(key: Key, sequence: Sequence): Buffer | undefined | Promise<Buffer | undefined> {
    const found = this.#found
    hashKey(key, this.#hash)
    if (!this.#memtables.get(key, this.#hash, sequence, found)) {
      const set = this.#tables.current
      if (set.count === 0) return undefined
      try {
        const result = set.get(key, this.#hash, sequence, found)
        if (result === false) return undefined
        if (result !== true) return this.#getLater(set, result)
      } catch (error) {
        reportCorruption(error, this.#onEvent)
        throw error
      }
    }
    return found.state === LOOKUP_VALUE ? found.copyValue() : undefined
  }

  /** As `Engine.getSync`. */
  getSync(key: Key, sequence: Sequence): Buffer | undefined {
    const found = this.#found
    hashKey(key, this.#hash)
    if (!this.#memtables.get(key, this.#hash, sequence, found)) {
      const set = this.#tables.current
      if (set.count === 0) return undefined
      try {
        if (!set.getSync(key, this.#hash, sequence, found)) return undefined
      } catch (error) {
        reportCorruption(error, this.#onEvent)
        throw error
      }
    }
    return found.state === LOOKUP_VALUE ? found.copyValue() : undefined
  }

  /** As `Engine.openCursor`. */
  openCursor(range: KeyRange, sequence: Sequence, reverse: boolean): EngineCursor {
    const sources: VersionCursor[] = []
    const rangeTombstones: RangeTombstoneIndex[] = []
    const set = this.#tables.current
    this.#memtables.addSources({ sequence, reverse }, sources, rangeTombstones)
    set.addSources(range, reverse, sources, rangeTombstones)
    set.pin()
    const onClose = (): void => {
      set.unpin()
      this.#cursors.delete(cursor)
    }
    const cursor = new RowCursor({ sources, rangeTombstones, range, sequence, reverse, onClose })
    this.#cursors.add(cursor)
    return cursor
  }

  /** As `Engine.history`. */
  history(key: Key, sources: HistorySources, options?: HistoryOptions): Promise<KeyHistory> {
    const reading = liveHistory({ ...sources, memtables: this.#memtables, tables: this.#tables }, key, options)
    const history = reading.finally(() => this.#waiting.delete(history))
    this.#waiting.add(history)
    return history
  }

  /** Closes every cursor and waits for the reads in flight. REQUIRES: no read will come any more. */
  async close(): Promise<void> {
    for (const cursor of [...this.#cursors]) cursor.close()
    await Promise.allSettled(this.#waiting)
  }

  #getLater(set: TableSet, lookup: Promise<Lookup>): Promise<Buffer | undefined> {
    set.pin()
    const value = lookup
      .then((found) => (found.state === LOOKUP_VALUE ? found.copyValue() : undefined))
      .catch((error: unknown) => {
        reportCorruption(error, this.#onEvent)
        throw error
      })
      .finally(() => {
        set.unpin()
        this.#waiting.delete(value)
      })
    this.#waiting.add(value)
    return value
  }
}

/** Reports `error` if it is one of corruption. */
export function reportCorruption(error: unknown, onEvent: (event: EngineEvent) => void): void {
  if (!(error instanceof CorruptionError)) return
  onEvent({ type: 'corruption', file: error.file, offset: error.offset, error })
}
