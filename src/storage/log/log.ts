/**
 * The write-ahead log of a running store: natural group commit, publication in order, the witness behind the last group.
 *
 *     append -> | group that fills |  --pump-->  | group in flight: one write, one sync |  -->  published, in order
 *
 * 1. Groups form by themselves: while one is in flight the next one fills, and it is written the moment the first has
 *    ended; on a slow disk one turn later, together with those who were just told (log-company.ts). When nothing is in
 *    flight, the first commit of a turn starts the write once the turn's microtasks have run dry, so that everything the
 *    turn commits shares it. No timers.
 * 2. A group with a 'sync' commit is synced and published when it is durable; one of 'os' commits is published when it is
 *    written, and synced after `syncIntervalMs` at the latest. Publication follows the order of sequences either way.
 * 3. A failed or short write or sync poisons: nothing is written any more, nothing retried, nothing further published.
 * 4. When the log has been idle for `logIdleMs` after a sync, an empty frame is written behind the last group: without it a
 *    damaged last group could be taken for a torn tail. It waits for a pause because in a closed loop of one client the log
 *    is idle after every commit, and a write of its own for each would stand before that client's next. It is not
 *    synced: only a power cut within moments of a commit leaves a group without a witness.
 * 5. Room was secured before (log-admission.ts): `append` never waits and never fails but for poison.
 *
 * Pinned by test/unit/storage/log/log.test.ts, log-poison.test.ts and log-crash.test.ts.
 * Spec: WalCommit!Decide, WalCommit!Synced, WalCommit!SyncAll, Compaction!Publish, Storage!Commit, Storage!Sync.
 */
import { assert } from '../../base/assert'
import { DatabaseClosedError, LimitExceededError } from '../../base/errors'
import type { Sequence } from '../../base/sequence'
import type { IoThread, Runtime, Timer } from '../../runtime/runtime'
import type { Batch, Durability } from '../engine'
import { LogAdmission } from './log-admission'
import { LogChain } from './log-chain'
import { GroupTiming } from './log-company'
import type { LogEnd, LogFigures, LogOptions } from './log-contract'
import { PAGE_BYTES } from './log-format'
import { LogGroup } from './log-group'
import { groupCost } from './log-pace'
import type { SegmentSupply } from './log-supply'
import { SyncWaiters } from './log-sync-waiters'
import { LogWriter } from './log-writer'
import type { WriteDone } from './log-writer'
import { poisonedError } from '../poisoned'

/** What a log is made of. */
export interface LogParts {
  readonly supply: SegmentSupply
  readonly commitThread: IoThread
  readonly fillThread: IoThread
}

/** An open log. */
export class Log {
  readonly #runtime: Runtime
  readonly #options: LogOptions
  readonly #parts: LogParts
  readonly #writer: LogWriter
  readonly #chain: LogChain
  /** Reservations; a bulk load pauses them. */
  readonly admission: LogAdmission
  readonly #syncWaiters = new SyncWaiters()
  readonly #timing = new GroupTiming()
  #filling: LogGroup
  #resting: LogGroup
  #appended: Sequence
  #published: Sequence
  #synced: Sequence
  #poisoned: Error | undefined
  #isKicked = false
  #isSyncDue = false
  #syncTimer: Timer | undefined
  #idleTimer: Timer | undefined
  #groups = 0
  #commits = 0
  #closing: Promise<LogEnd | undefined> | undefined
  #onQuiet: (() => void) | undefined

  /** Only `openLog` (log-open.ts) makes one. */
  constructor(runtime: Runtime, options: LogOptions, parts: LogParts) {
    const { lastSequence, previous } = options
    this.#runtime = runtime
    this.#options = options
    this.#parts = parts
    this.#writer = new LogWriter(parts.commitThread, parts.supply.take(), { lastSequence, previous })
    this.#chain = new LogChain({
      files: runtime.files,
      limits: options.limits,
      supply: parts.supply,
      writer: this.#writer,
    })
    this.#filling = new LogGroup(parts.commitThread)
    this.#resting = new LogGroup(parts.commitThread)
    this.admission = new LogAdmission(options.limits, {
      supply: parts.supply,
      nowMs: () => runtime.clock.monotonicMs(),
      room: () => ({
        currentBytes: this.#writer.roomBytes,
        nextBytes: parts.supply.roomBytes,
        fillingBytes: this.#filling.payloadBytes,
      }),
    })
    this.#appended = lastSequence
    this.#published = lastSequence
    this.#synced = lastSequence
  }

  /** Everything through here is durable. */
  get syncedSequence(): Sequence {
    return this.#synced
  }

  get publishedSequence(): Sequence {
    return this.#published
  }

  /** Why nothing can be written any more, or undefined. */
  get poisoned(): Error | undefined {
    return this.#poisoned
  }

  /** As `Engine.reserve`. */
  reserve(bytes: number, deletesOnly: boolean): undefined | Promise<void> {
    this.#checkWritable()
    const { transactionBytesMax } = this.#options.limits
    if (bytes > transactionBytesMax) {
      throw new LimitExceededError(`Cannot commit ${bytes} bytes: transactionBytesMax is ${transactionBytesMax}`)
    }
    return this.admission.reserve(bytes, deletesOnly)
  }

  /** Gives back what `reserve` secured and no `append` will use. */
  unreserve(bytes: number): void {
    this.admission.release(bytes)
    this.admission.serve()
  }

  /** ATOMIC: no await. As `Engine.append`; throws `PoisonedError` with no effect if the log has failed meanwhile. */
  append(batch: Batch, bytes: number, sequence: Sequence, durability: Durability): void {
    if (this.#poisoned !== undefined) throw poisonedError(this.#poisoned)
    assert(this.#closing === undefined, 'nothing is appended to a log that is closing')
    assert(sequence === this.#appended + 1, 'commits are appended in the order of their sequences, without gaps')
    this.#filling.add(batch, bytes, sequence, durability)
    this.admission.release(bytes)
    this.#appended = sequence
    this.#commits++
    if (!this.#isKicked && !this.#writer.isBusy) this.#kick()
    this.admission.serve()
  }

  /** As `Engine.publishSync`: everything appended is synced and published when it returns. Throws `PoisonedError`. */
  publishSync(): void {
    const target = this.#appended
    while (this.#synced < target) {
      if (this.#poisoned !== undefined) throw poisonedError(this.#poisoned)
      this.#isSyncDue = true
      this.#pump()
      this.#parts.commitThread.drainSync()
    }
  }

  /** Resolves when everything appended so far is synced. Rejects with `PoisonedError`. */
  sync(): Promise<void> {
    const sequence = this.#appended
    if (this.#synced >= sequence) return Promise.resolve()
    if (this.#poisoned !== undefined) return Promise.reject(poisonedError(this.#poisoned))
    const synced = this.#syncWaiters.wait(sequence)
    this.#pump()
    return synced
  }

  /** Its segments. */
  get chain(): LogChain {
    return this.#chain
  }

  /** As `LogChain.startOver`, after a sync; for a log whose commits are all in tables. Rejects with `PoisonedError`. */
  async startOver(): Promise<void> {
    await this.sync()
    const ended = (write: (done: WriteDone) => void): Promise<void> =>
      new Promise((resolve) => {
        write((error) => {
          this.#sealEnded(error)
          resolve()
        })
      })
    const writer = this.#writer
    // The frame that bears witness to the last group is not synced.
    if (this.#poisoned === undefined && !writer.isBusy && !writer.isDurable) await ended((done) => writer.seal(done))
    const conclude = (): Promise<void> => ended((done) => writer.conclude(done))
    await this.#chain.startOver({ isQuiet: () => this.#isAtRest, conclude })
    if (this.#poisoned !== undefined) throw poisonedError(this.#poisoned)
  }

  /** Whether nothing is on its way to the disk, and nobody counts on the room there is. */
  get #isAtRest(): boolean {
    const isOpen = this.#poisoned === undefined && this.#closing === undefined
    return isOpen && !this.#writer.isBusy && this.#writer.isDurable && this.#filling.commits === 0 && this.admission.isIdle // prettier-ignore
  }

  /** Gives the space kept aside to flush or compaction; commits that put are refused until the disk has room again. */
  releaseReserve(): Promise<void> {
    return this.#parts.supply.releaseReserve()
  }

  figures(): LogFigures {
    const { commitThread, fillThread } = this.#parts
    return {
      bytesWritten: this.#writer.bytesWritten,
      bytesPrepared: this.#parts.supply.bytesPrepared,
      groups: this.#groups,
      syncs: this.#writer.syncs,
      commits: this.#commits,
      ioMode: commitThread.mode,
      ...this.#writer.times,
      reserveWaits: this.admission.waits,
      memoryBytes: commitThread.memoryBytes + fillThread.memoryBytes + this.#filling.ownBytes + this.#resting.ownBytes,
      diskFull: this.#parts.supply.diskFull,
    }
  }

  /**
   * Writes and syncs what is left, with a frame behind it that bears witness to the last group. Resolves to the exact
   * end, for the manifest to record; to undefined if the log is poisoned. Idempotent. REQUIRES: no reservation is held.
   */
  close(): Promise<LogEnd | undefined> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Told by the supply. */
  onRoom(): void {
    if (this.#poisoned === undefined && this.#closing === undefined) this.admission.serve()
  }

  /** Told by the supply. */
  onPreparationFailed(cause: Error): void {
    this.#poison(cause)
  }

  #kick(): void {
    this.#isKicked = true
    this.#runtime.scheduler.afterMicrotasks(() => {
      this.#isKicked = false
      this.#timing.turnEnded(this.#runtime.clock.monotonicMs())
      this.#pump()
    })
  }

  /** ATOMIC: no await. Starts the next write if none is in flight and there is one to do. */
  #pump(): void {
    const writer = this.#writer
    if (writer.isBusy || this.#poisoned !== undefined) return
    const group = this.#filling
    const mustSync = this.#isSyncDue || !this.#syncWaiters.isEmpty
    if (group.commits === 0) {
      if (mustSync && !writer.isDurable) writer.seal((error) => this.#sealEnded(error))
      else this.#onQuiet?.()
      return
    }
    if (groupCost(group.payloadBytes) > writer.roomBytes) {
      if (!writer.isDurable) {
        writer.seal((error) => this.#sealEnded(error))
        return
      }
      this.#chain.advance()
    }
    this.#filling = this.#resting
    this.#resting = group
    const sync = group.wantsSync || mustSync
    this.#timing.writeBegan(this.#runtime.clock.monotonicMs())
    writer.writeGroup(group, sync, (error) => this.#groupEnded(group, sync, error))
  }

  #groupEnded(group: LogGroup, sync: boolean, error: Error | undefined): void {
    if (error !== undefined) this.#poison(error)
    // A log may have been poisoned by another failure meanwhile: then those of this group were told so already.
    if (this.#poisoned !== undefined) return
    const { lastSequence, commits } = group
    const nowMs = this.#runtime.clock.monotonicMs()
    this.#timing.writeEnded(nowMs)
    group.clear()
    this.#groups++
    this.#published = lastSequence
    if (sync) this.#becameDurable()
    // Else the next group is on its way before those of this one are told: the disk does not wait for them.
    const waits = this.#syncWaiters.isEmpty && this.#timing.isWorthWaiting(commits, this.#filling.commits)
    if (!waits) this.#pump()
    this.#timing.told(nowMs, commits)
    this.#kick()
    this.#options.listener.onPublished(lastSequence)
    this.#settle()
  }

  #sealEnded(error: Error | undefined): void {
    if (error !== undefined) this.#poison(error)
    if (this.#poisoned !== undefined) return
    this.#becameDurable()
    this.#pump()
    this.#settle()
  }

  #becameDurable(): void {
    this.#isSyncDue = false
    this.#synced = this.#published
    this.#syncTimer?.cancel()
    this.#syncTimer = undefined
  }

  /** After a write: those that waited for it, and what is to be done in time. */
  #settle(): void {
    if (this.#poisoned !== undefined) return
    this.#syncWaiters.settle(this.#synced)
    this.#parts.supply.pace(this.#writer.usage)
    this.admission.serve()
    this.#armTimers()
  }

  #armTimers(): void {
    if (this.#closing !== undefined) return
    const { scheduler } = this.#runtime
    const { logIdleMs, syncIntervalMs } = this.#options.limits
    if (this.#published > this.#synced) {
      this.#syncTimer ??= scheduler.after(syncIntervalMs, () => {
        this.#syncTimer = undefined
        this.#isSyncDue = this.#published > this.#synced
        this.#pump()
      })
    }
    if (!this.#writer.isWitnessed && this.#idleTimer === undefined) {
      const commits = this.#commits
      this.#idleTimer = scheduler.after(logIdleMs, () => {
        this.#idleTimer = undefined
        this.#onIdle(commits)
      })
    }
  }

  /** The log may have been idle for a while: it has if nothing was committed since `commits` were. */
  #onIdle(commits: number): void {
    const writer = this.#writer
    if (this.#poisoned !== undefined || this.#closing !== undefined || writer.isWitnessed) return
    if (writer.isBusy || this.#commits !== commits) this.#armTimers()
    else if (this.admission.canSpare(PAGE_BYTES)) {
      writer.witness((error) => {
        if (error !== undefined) this.#poison(error)
        else this.#pump()
      })
    }
  }

  async #close(): Promise<LogEnd | undefined> {
    // A step of its own, so that `#closing` is set before anything can look at it.
    await Promise.resolve()
    this.admission.refuseAll(new DatabaseClosedError('Cannot commit: the database is closing'))
    this.#idleTimer?.cancel()
    const end = await this.#conclude()
    this.#syncTimer?.cancel()
    await this.#parts.supply.close()
    await this.#parts.commitThread.close()
    await this.#parts.fillThread.close()
    await this.#writer.close()
    return this.#poisoned === undefined ? end : undefined
  }

  async #conclude(): Promise<LogEnd | undefined> {
    await this.#quiet()
    if (this.#poisoned !== undefined) return undefined
    const error = await new Promise<Error | undefined>((resolve) => this.#writer.conclude(resolve))
    if (error !== undefined) this.#poison(error)
    return this.#writer.end
  }

  /** Resolves when everything appended is synced and nothing is in flight, or the log is poisoned. */
  async #quiet(): Promise<void> {
    const isQuiet = (): boolean =>
      this.#poisoned !== undefined || (!this.#writer.isBusy && this.#synced === this.#appended)
    while (!isQuiet()) {
      this.#isSyncDue = true
      await new Promise<void>((resolve) => {
        this.#onQuiet = resolve
        this.#pump()
      })
      this.#onQuiet = undefined
    }
  }

  #checkWritable(): void {
    if (this.#poisoned !== undefined) throw poisonedError(this.#poisoned)
    if (this.#closing !== undefined) throw new DatabaseClosedError('Cannot commit: the database is closed')
  }

  #poison(cause: Error): void {
    if (this.#poisoned !== undefined) return
    this.#poisoned = cause
    this.#parts.supply.stop()
    this.#syncTimer?.cancel()
    this.#idleTimer?.cancel()
    this.#syncWaiters.rejectAll(poisonedError(this.#poisoned))
    this.admission.refuseAll(poisonedError(this.#poisoned))
    this.#onQuiet?.()
    this.#options.listener.onPoisoned(cause)
  }
}
