/**
 * The in-memory engine: the whole engine contract with nothing durable; reference model and oracle.
 *
 * Each key holds a chain of versions, newest first, in a sorted tree; range deletions are a list in append order. A read
 * at sequence s takes the newest point version <= s and the newest covering range deletion <= s, and lets the point win a tie
 * (invariant 2). It is written to be obviously right, so that the LSM engine can be compared with it step by step.
 *
 * For tests of the layers above, publishing can be driven by hand, poisoned at any moment, and reads can be made
 * asynchronous so that every interleaving is reachable.
 *
 * What it does not do: survive a crash, refuse for lack of space, bound its memory. Pinned by test/contract/engine.
 */
import BTree from 'sorted-btree'
import { assert } from '../../base/assert'
import type { Key } from '../../base/bytes'
import { DatabaseClosedError, InvalidArgumentError } from '../../base/errors'
import type { HistoryOptions, KeyHistory } from '../../base/key-history'
import type { KeyRange } from '../../base/key-range'
import { rangeContains } from '../../base/key-range'
import type { Sequence } from '../../base/sequence'
import type { VerifyReport } from '../../base/verification'
import type { Runtime } from '../../runtime/runtime'
import type { Batch, BatchEntry, Durability, Engine, EngineCheckpoint, EngineCursor, EngineListener, EngineLoad, EngineStats } from '../engine' // prettier-ignore
import { ENTRY_DELETE_RANGE, ENTRY_PUT, batchBytes } from '../engine'
import { createEngineStats } from '../engine-stats'
import { HistoryGathering } from '../inspect/history-gathering'
import { createRetention, isVersionNeeded } from '../compaction/compaction-retention'
import type { Retention } from '../compaction/compaction-retention'
import { MemoryCursor } from './memory-cursor'
import { MemoryLoad } from './memory-load'
import { poisonedError } from '../poisoned'
import type { MemoryVersion, MemoryVersions } from './memory-cursor'

/** How the in-memory engine behaves. */
export interface MemoryEngineOptions {
  readonly runtime: Runtime
  /** 'immediate': in a later turn's step after the microtasks; 'manual': only by `publishThrough` and `publishSync`. */
  readonly publishing?: 'immediate' | 'manual'
  /** Whether every `get` and cursor `next` gives a promise that resolves in a later turn. */
  readonly asynchronousReads?: boolean
  /** Whether every `reserve` gives a promise that resolves in a later turn. */
  readonly asynchronousReserve?: boolean
  /** Versions appended since the last collection after which the next append collects; Infinity for by hand only. */
  readonly collectAfterVersions?: number
}

/** The engine and what only tests call. */
export interface MemoryEngine extends Engine {
  /** Publishes everything through `sequence`, which has been appended. With 'immediate' it only hurries. */
  publishThrough(sequence: Sequence): void
  /** Makes the log fail, as a failed write would. */
  poison(cause: Error): void
  /** Drops every version that no live snapshot, open cursor or published sequence can see. */
  collectVersions(): void
  /** Versions held, range deletions included. */
  readonly versionCount: number
  /** Bytes reserved and neither appended nor given back. */
  readonly reservedBytes: number
  /** As of a database on disk; nothing here can be damaged. */
  verify(): Promise<VerifyReport>
}

/** An empty engine in memory. */
export function createMemoryEngine(options: MemoryEngineOptions): MemoryEngine {
  return new VersionMap(options)
}

interface RangeDeletion extends KeyRange {
  readonly sequence: Sequence
}

interface SyncWaiter {
  readonly sequence: Sequence
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const COLLECT_AFTER_VERSIONS = 4096

class VersionMap implements MemoryEngine, MemoryVersions {
  readonly recoveredSequence = 0
  readonly #runtime: Runtime
  readonly #manual: boolean
  readonly #asynchronousReads: boolean
  readonly #asynchronousReserve: boolean
  readonly #collectAfterVersions: number
  /** Versions by key, newest first. */
  readonly #chainsByKey = new BTree<Key, MemoryVersion[]>(undefined, compareKeys)
  /** Ascending by sequence. */
  #rangeDeletions: RangeDeletion[] = []
  readonly #cursors = new Set<MemoryCursor>()
  #listener: EngineListener | undefined
  #appendedSequence = 0
  #publishedSequence = 0
  #publishScheduled = false
  #poisoned: Error | undefined
  #closed = false
  #reservedBytes = 0
  #versionCount = 0
  #versionsSinceCollection = 0
  #syncWaiters: SyncWaiter[] = []

  constructor(options: MemoryEngineOptions) {
    this.#runtime = options.runtime
    this.#manual = options.publishing === 'manual'
    this.#asynchronousReads = options.asynchronousReads ?? false
    this.#asynchronousReserve = options.asynchronousReserve ?? false
    this.#collectAfterVersions = options.collectAfterVersions ?? COLLECT_AFTER_VERSIONS
  }

  get publishedSequence(): Sequence {
    return this.#publishedSequence
  }

  get poisoned(): Error | undefined {
    return this.#poisoned
  }

  get versionCount(): number {
    return this.#versionCount
  }

  get reservedBytes(): number {
    return this.#reservedBytes
  }

  attach(listener: EngineListener): void {
    assert(this.#listener === undefined, 'an engine has one listener')
    this.#listener = listener
  }

  get(key: Key, sequence: Sequence): Buffer | undefined | Promise<Buffer | undefined> {
    const value = this.getSync(key, sequence)
    return this.#asynchronousReads ? this.#runtime.scheduler.nextTurn().then(() => value) : value
  }

  getSync(key: Key, sequence: Sequence): Buffer | undefined {
    this.#assertOpen()
    const value = this.visible(key, this.#chainsByKey.get(key), sequence)
    return value === undefined ? undefined : Buffer.from(value)
  }

  openCursor(range: KeyRange, sequence: Sequence, reverse: boolean): EngineCursor {
    this.#assertOpen()
    const delay = this.#asynchronousReads ? () => this.#runtime.scheduler.nextTurn() : undefined
    const cursor = new MemoryCursor(this, this.#chainsByKey, this.#cursors, { range, sequence, reverse, delay })
    this.#cursors.add(cursor)
    return cursor
  }

  reserve(bytes: number, _deletesOnly: boolean): undefined | Promise<void> {
    this.#assertWritable()
    if (!this.#asynchronousReserve) {
      this.#reservedBytes += bytes
      return undefined
    }
    return this.#runtime.scheduler.nextTurn().then(() => {
      this.#assertWritable()
      this.#reservedBytes += bytes
    })
  }

  unreserve(bytes: number): void {
    assert(this.#reservedBytes >= bytes, 'no more is given back than was reserved')
    this.#reservedBytes -= bytes
  }

  /** ATOMIC: no await. */
  append(batch: Batch, bytes: number, sequence: Sequence, _durability: Durability): void {
    this.#assertWritable()
    assert(this.#reservedBytes >= bytes, 'what is appended was reserved')
    assert(bytes >= batchBytes(batch), 'a batch is no larger than its reservation')
    assert(sequence === this.#appendedSequence + 1, 'sequences are appended one by one')
    this.#reservedBytes -= bytes
    this.#appendedSequence = sequence
    for (const entry of batch) this.#appendEntry(entry, sequence)
    if (!this.#manual) this.#schedulePublishing()
    if (this.#versionsSinceCollection >= Math.max(this.#collectAfterVersions, this.#versionCount / 2))
      this.collectVersions()
  }

  publishSync(): void {
    this.#assertWritable()
    this.publishThrough(this.#appendedSequence)
  }

  publishThrough(sequence: Sequence): void {
    assert(sequence <= this.#appendedSequence, 'only what was appended is published')
    if (this.#poisoned !== undefined || sequence <= this.#publishedSequence) return
    this.#publishedSequence = sequence
    const waiters = this.#syncWaiters
    this.#syncWaiters = waiters.filter((waiter) => waiter.sequence > sequence)
    this.#listener?.onPublished(sequence)
    for (const waiter of waiters) if (waiter.sequence <= sequence) waiter.resolve()
  }

  poison(cause: Error): void {
    if (this.#poisoned !== undefined) return
    this.#poisoned = cause
    const waiters = this.#syncWaiters
    this.#syncWaiters = []
    this.#listener?.onPoisoned(cause)
    for (const waiter of waiters) waiter.reject(poisonedError(cause))
  }

  async sync(): Promise<void> {
    this.#assertWritable()
    const sequence = this.#appendedSequence
    if (sequence <= this.#publishedSequence) return
    await new Promise<void>((resolve, reject) => this.#syncWaiters.push({ sequence, resolve, reject }))
  }

  beginLoad(): EngineLoad {
    this.#assertWritable()
    return new MemoryLoad(this, {
      nextSequence: () => this.#appendedSequence + 1,
      firstKeyIn: (range) => this.#firstKeyIn(range),
      checkWritable: () => {
        this.#assertWritable()
      },
    })
  }

  /** It has no files: the checkpoint is taken, and cannot be written. */
  pinCheckpoint(sequence: Sequence): EngineCheckpoint {
    this.#assertOpen()
    return {
      sequence,
      write: (directory) => Promise.reject(noFiles(directory)),
      release: () => undefined,
    }
  }

  async flush(): Promise<void> {
    await this.sync()
  }

  async compact(): Promise<void> {
    await this.sync()
    this.collectVersions()
  }

  async history(key: Key, options?: HistoryOptions): Promise<KeyHistory> {
    this.#assertOpen()
    const gathering = new HistoryGathering(key, options)
    const place = { in: 'memtable', memtable: 0 } as const
    for (const deletion of this.#rangeDeletions) gathering.deleteRange(deletion.sequence, deletion, place)
    for (const { sequence, value } of this.#chainsByKey.get(key) ?? []) {
      if (value === undefined) gathering.delete(sequence, place)
      else gathering.put(sequence, { bytes: value, at: 0, length: value.length }, place)
    }
    return gathering.finish(this.#publishedSequence)
  }

  /** There is no file that could be damaged. */
  async verify(): Promise<VerifyReport> {
    this.#assertOpen()
    const none = { files: [], damages: [], notes: [] }
    return { ok: true, ...none, bytes: 0, tables: 0, rows: 0, commits: 0, sequence: this.#appendedSequence }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    if (this.#poisoned === undefined) this.publishThrough(this.#appendedSequence)
    this.#closed = true
    for (const cursor of [...this.#cursors]) cursor.close()
  }

  collectVersions(): void {
    const open = [...this.#cursors].map((cursor) => cursor.sequence)
    const live = [...(this.#listener?.liveSnapshots() ?? []), ...open]
    const retention = createRetention(live, this.#publishedSequence)
    const kept = new BTree<Key, MemoryVersion[]>(undefined, compareKeys)
    this.#versionCount = 0
    this.#versionsSinceCollection = 0
    for (const [key, chain] of this.#chainsByKey.entries()) {
      const versions = this.#neededVersions(key, chain, retention)
      if (versions.length > 0) kept.set(key, versions)
      this.#versionCount += versions.length
    }
    this.#chainsByKey.clear()
    for (const [key, chain] of kept.entries()) this.#chainsByKey.set(key, chain)
    // Every version that a deletion at or below the oldest retained sequence hides has just been dropped.
    this.#rangeDeletions = this.#rangeDeletions.filter((deletion) => deletion.sequence > retention.oldest)
    this.#versionCount += this.#rangeDeletions.length
  }

  /** The value of a chain at `sequence`, not copied. */
  visible(key: Key, chain: readonly MemoryVersion[] | undefined, sequence: Sequence): Buffer | undefined {
    const version = chain?.find((candidate) => candidate.sequence <= sequence)
    if (version?.value === undefined) return undefined
    return version.sequence >= this.#rangeDeletedAt(key, sequence) ? version.value : undefined
  }

  stats(): EngineStats {
    return createEngineStats({
      memtableBytes: this.#chainBytes(),
      memtableEntries: this.#versionCount,
      poisoned: this.#poisoned,
    })
  }

  #firstKeyIn(range: KeyRange): Key | undefined {
    for (const [key, chain] of this.#chainsByKey.entries(range.start)) {
      if (!rangeContains(range, key)) return undefined
      if (this.visible(key, chain, this.#appendedSequence) !== undefined) return key
    }
    return undefined
  }

  #neededVersions(key: Key, chain: readonly MemoryVersion[], retention: Retention): MemoryVersion[] {
    const covering = this.#rangeDeletions.filter((deletion) => rangeContains(deletion, key))
    const needed = chain.filter(({ sequence }, index) => {
      const newer = chain[index - 1]?.sequence ?? Infinity
      const deleted = covering.find((deletion) => deletion.sequence > sequence)?.sequence ?? Infinity
      return isVersionNeeded(retention, sequence, Math.min(newer, deleted))
    })
    // A tombstone with nothing older behind it hides nothing: all versions of the key are in this chain.
    while (needed.length > 0 && needed.at(-1)!.value === undefined) needed.pop()
    return needed
  }

  #rangeDeletedAt(key: Key, sequence: Sequence): Sequence {
    for (let i = this.#rangeDeletions.length - 1; i >= 0; i--) {
      const deletion = this.#rangeDeletions[i]!
      if (deletion.sequence <= sequence && rangeContains(deletion, key)) return deletion.sequence
    }
    return 0
  }

  #appendEntry(entry: BatchEntry, sequence: Sequence): void {
    this.#versionCount++
    this.#versionsSinceCollection++
    if (entry.kind === ENTRY_DELETE_RANGE) {
      this.#rangeDeletions.push({ start: entry.key, end: entry.end, sequence })
      return
    }
    const value = entry.kind === ENTRY_PUT ? Buffer.from(entry.value ?? new Uint8Array(0)) : undefined
    const chain = this.#chainsByKey.get(entry.key)
    if (chain === undefined) {
      this.#chainsByKey.set(entry.key, [{ sequence, value }])
    } else {
      assert(chain[0]!.sequence < sequence, 'a key has at most one version per sequence')
      chain.unshift({ sequence, value })
    }
  }

  #schedulePublishing(): void {
    if (this.#publishScheduled) return
    this.#publishScheduled = true
    this.#runtime.scheduler.afterMicrotasks(() => {
      this.#publishScheduled = false
      this.publishThrough(this.#appendedSequence)
    })
  }

  #chainBytes(): number {
    let bytes = 0
    for (const [key, chain] of this.#chainsByKey.entries()) {
      for (const version of chain) bytes += key.length + (version.value?.length ?? 0)
    }
    return bytes
  }

  #assertOpen(): void {
    if (this.#closed) throw new DatabaseClosedError('Cannot use the engine: it was closed')
  }

  #assertWritable(): void {
    this.#assertOpen()
    if (this.#poisoned !== undefined) throw poisonedError(this.#poisoned)
  }
}

function noFiles(directory: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot write a checkpoint to ${directory}: this engine keeps nothing in files`)
}

function compareKeys(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0
}
