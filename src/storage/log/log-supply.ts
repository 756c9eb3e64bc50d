/**
 * Prepares the log's next segment ahead of need, and keeps the disk reserve; the only writer of either.
 *
 *     create -> slices of zeros, the header in the first, each synced -> directory synced -> named by the manifest -> ready
 *
 * 1. A segment is ready only when the manifest names it durably, and it is named only when it is complete.
 * 2. One job at a time writes, in an I/O thread that nothing else uses; it is paced by the log's consumption
 *    (log-pace.ts) until somebody waits.
 * 3. A full disk is no failure: the unnamed file is removed, the next attempt is made when somebody needs it, not before a
 *    pause (log-backoff.ts). A segment whose naming was refused for want of space keeps its file: the manifest may have
 *    its name.
 * 4. Commits of deletes release the reserve (log-reserve.ts) and get a segment from the space it gives; once that has
 *    happened, commits that put are refused until the reserve is whole again. No failure of the reserve is final.
 * 5. Any other failure of a segment is final and poisons the log: `onFailed`, once.
 *
 * A number is never given twice, not even after a failure. Pinned by test/unit/storage/log/log-supply.test.ts.
 * Spec: ManifestFlush!NextBatch.
 */
import { assert, present } from '../../base/assert'
import { DiskFullError, StalledError } from '../../base/errors'
import type { Limits } from '../../base/limits'
import type { File, IoThread, Runtime } from '../../runtime/runtime'
import { Backoff } from './log-backoff'
import type { Nonce } from './log-format'
import { encodeSegmentHeader, segmentFileName, SEGMENT_HEADER_BYTES } from './log-format'
import { bytesToHold, firstSegmentBytes, nextSegmentBytes, preparedGoal, usableBytes } from './log-pace'
import { DiskReserve } from './log-reserve'
import { SliceWriter } from './log-slices'

/** A segment that is ready for its first frame. */
export interface Segment {
  readonly number: number
  readonly nonce: Nonce
  readonly path: string
  readonly file: File
  /** Bytes written ahead; the file is not used beyond. */
  readonly bytes: number
}

/** What the supply needs and whom it tells. */
export interface SupplyOptions {
  readonly directory: string
  readonly limits: Limits
  readonly firstSegment: number
  readonly databaseMark?: number | undefined
  nameSegment(number: number): Promise<void>
  /** Something that a reservation may wait for has happened. */
  onChange(): void
  /** Invariant 5. */
  onFailed(cause: Error): void
}

interface Preparing {
  readonly number: number
  readonly nonce: Nonce
  readonly path: string
  readonly file: File
  filledBytes: number
  isNamed: boolean
}

/** The next segment, in whatever state it is. */
export class SegmentSupply {
  readonly #runtime: Runtime
  readonly #options: SupplyOptions
  readonly #slices: SliceWriter
  readonly #reserve: DiskReserve
  readonly #segmentBackoff: Backoff
  readonly #reserveBackoff: Backoff
  #nextNumber: number
  #next: Preparing | undefined
  /** The size that the next segment shall have, and how much of it is wanted by now. */
  #targetBytes = 0
  #goalBytes = 0
  #wantsRelease = false
  #wantsReserve: boolean
  #job: Promise<void> | undefined
  #isReserveStep = false
  #hasFailed = false
  #isStopped = false

  private constructor(runtime: Runtime, options: SupplyOptions, slices: SliceWriter, reserve: DiskReserve) {
    this.#runtime = runtime
    this.#options = options
    this.#slices = slices
    this.#reserve = reserve
    this.#nextNumber = options.firstSegment
    this.#segmentBackoff = new Backoff(runtime.clock, options.limits)
    this.#reserveBackoff = new Backoff(runtime.clock, options.limits)
    this.#wantsReserve = reserve.isWanting
  }

  /** Starts with a segment that is ready. Throws `DiskFullError` if not even the reserve has room for it, `IoError`. */
  static async open(runtime: Runtime, thread: IoThread, options: SupplyOptions): Promise<SegmentSupply> {
    const { directory, limits } = options
    const reserve = await DiskReserve.open(runtime, directory, limits.reserveBytes)
    const supply = new SegmentSupply(runtime, options, new SliceWriter(thread, limits.logSliceBytes), reserve)
    try {
      await supply.#prepareFirst()
    } catch (error) {
      await supply.close()
      throw error
    }
    supply.#start()
    return supply
  }

  /** Room for commits in the next segment, in bytes; 0 while there is none that is named. */
  get roomBytes(): number {
    return this.#next?.isNamed === true ? usableBytes(this.#next.filledBytes) : 0
  }

  /** Bytes of the next segment's file so far. */
  get nextBytes(): number {
    return this.#next?.filledBytes ?? 0
  }

  /** The file of the next segment, in whatever state it is. */
  get nextPath(): string | undefined {
    return this.#next?.path
  }

  /** Bytes written ahead since the start. */
  get bytesPrepared(): number {
    return this.#slices.bytesWritten
  }

  /** The last failure for want of space that no success has followed. */
  get diskFull(): Error | undefined {
    return this.#segmentBackoff.cause ?? this.#reserveBackoff.cause
  }

  /** Whether commits that put are refused until the reserve is whole again (invariant 4). */
  get isReserveLost(): boolean {
    return this.#reserve.isLost
  }

  /** Hands out the next segment. REQUIRES: `roomBytes` is above 0. */
  take(): Segment {
    const next = present(this.#next, 'a segment is ready when it is taken')
    assert(next.isNamed, 'the manifest names a segment before its first frame is written')
    this.#next = undefined
    this.#targetBytes = 0
    this.#goalBytes = 0
    const { number, nonce, path, file, filledBytes } = next
    return { number, nonce, path, file, bytes: filledBytes }
  }

  /** Told after each group how far the current segment is used; fills ahead accordingly, unless space is short. */
  pace(current: { readonly segmentBytes: number; readonly usedBytes: number }): void {
    if (this.diskFull !== undefined || this.#reserve.isLost) return
    if (this.#targetBytes === 0) this.#targetBytes = nextSegmentBytes(current.segmentBytes, this.#options.limits)
    const goal = preparedGoal(current, this.#targetBytes)
    if (goal <= this.#goalBytes) return
    this.#goalBytes = goal
    this.#start()
  }

  /**
   * Somebody waits for `bytes` of room: fills at full speed. Returns why that is hopeless for now, or undefined if
   * waiting makes sense: `onChange` follows.
   */
  demand(bytes: number, deletesOnly: boolean): Error | undefined {
    if (this.roomBytes >= bytes) return undefined
    const wanted = Math.max(bytesToHold(bytes), this.#segmentBackoff.cause === undefined ? this.#targetBytes : 0)
    if (this.#job !== undefined || !this.#segmentBackoff.isWaiting) {
      this.#want(Math.max(wanted, firstSegmentBytes(this.#options.limits)))
      return undefined
    }
    if (!deletesOnly || !this.#reserve.isKept) return this.#refusal(deletesOnly)
    this.#wantsRelease = true
    this.#want(Math.max(wanted, Math.min(firstSegmentBytes(this.#options.limits), this.#reserve.emergencyBytes)))
    return undefined
  }

  /** A commit that puts waits for the reserve to be whole again; otherwise as `demand`. */
  demandReserve(): Error | undefined {
    if (this.#job === undefined && this.#reserveBackoff.isWaiting) return this.#refusal(false)
    this.#wantsReserve = true
    this.#start()
    return undefined
  }

  /** Gives the reserve to whoever else needs the space (flush, compaction); commits that put are refused from now on. */
  async releaseReserve(): Promise<void> {
    if (!this.#reserve.isKept) return
    this.#wantsRelease = true
    this.#start()
    await this.#job
  }

  /**
   * Prepares the least segment, in the place of one that is not named yet; resolves when it is ready, or was not to be had.
   * Who wants room meanwhile may get a larger one prepared.
   */
  async startOver(): Promise<void> {
    await this.#job
    if (this.#next !== undefined && !this.#next.isNamed) await this.#discard()
    if (this.#next !== undefined || this.diskFull !== undefined || this.#reserve.isLost) return
    this.#want(firstSegmentBytes(this.#options.limits))
    await this.#job
  }

  /** Ends the job at its next step and starts no other: nothing is prepared for a log that has failed. */
  stop(): void {
    this.#isStopped = true
  }

  /** Stops, and lets go of the files. What is half prepared stays, for the next open to find. */
  async close(): Promise<void> {
    this.stop()
    await this.#job
    await this.#next?.file.close()
    await this.#reserve.close()
  }

  async #prepareFirst(): Promise<void> {
    try {
      await this.#prepareAtOnce()
    } catch (error) {
      if (!(error instanceof DiskFullError) || !this.#reserve.isKept) throw error
      await this.#discard()
      await this.#reserve.release()
      this.#wantsReserve = false
      this.#reserveBackoff.failed(error)
      await this.#prepareAtOnce()
    }
  }

  async #prepareAtOnce(): Promise<void> {
    this.#targetBytes = firstSegmentBytes(this.#options.limits)
    this.#goalBytes = this.#targetBytes
    while (this.#needsStep()) await this.#prepareStep()
  }

  #want(targetBytes: number): void {
    this.#targetBytes = targetBytes
    this.#goalBytes = targetBytes
    this.#start()
  }

  /** Starts the job if none runs and there is work. */
  #start(): void {
    if (this.#job !== undefined || this.#hasFailed || this.#isStopped || !this.#hasWork()) return
    const job = this.#run()
    this.#job = job
  }

  #hasWork(): boolean {
    return this.#wantsRelease || this.#needsStep() || this.#wantsReserve
  }

  #needsStep(): boolean {
    const next = this.#next
    if (next === undefined) return this.#goalBytes > 0
    return next.filledBytes < this.#goalBytes || (next.filledBytes >= this.#targetBytes && !next.isNamed)
  }

  async #run(): Promise<void> {
    // The first step belongs to a turn of its own: whoever started the job is in the middle of something synchronous.
    await Promise.resolve()
    try {
      while (this.#hasWork() && !this.#isStopped) await this.#step()
    } catch (error) {
      await this.#ended(error)
    }
    this.#job = undefined
    this.#options.onChange()
  }

  async #step(): Promise<void> {
    this.#isReserveStep = this.#wantsRelease || !this.#needsStep()
    if (!this.#isReserveStep) return this.#prepareStep()
    if (this.#wantsRelease) return this.#releaseStep()
    await this.#reserve.fillSlice(this.#slices)
    this.#wantsReserve = this.#reserve.isWanting
    if (!this.#wantsReserve) this.#reserveBackoff.succeeded()
  }

  async #releaseStep(): Promise<void> {
    this.#wantsRelease = false
    this.#wantsReserve = false
    const cause = this.diskFull ?? new DiskFullError('Cannot keep space aside: it was released for other work')
    this.#reserveBackoff.failed(cause)
    await this.#reserve.release()
  }

  /** Creates the file, or writes one slice, or completes and names the segment. */
  async #prepareStep(): Promise<void> {
    this.#next ??= await this.#create()
    const next = this.#next
    if (next.filledBytes < this.#goalBytes) {
      const range = { from: next.filledBytes, targetBytes: this.#targetBytes }
      next.filledBytes = await this.#slices.write(next.file, range, (slice) => writeHead(next, slice))
    }
    // It may have been taken meanwhile (it was named and was being made larger): then it is nobody's business any more.
    if (this.#next !== next || next.filledBytes < this.#targetBytes) return
    if (!next.isNamed) await this.#name(next)
    this.#segmentBackoff.succeeded()
    this.#options.onChange()
  }

  async #name(next: Preparing): Promise<void> {
    await syncedDirectory(this.#runtime, this.#options.directory)
    this.#runtime.faults.reach('log.before-name')
    await this.#options.nameSegment(next.number)
    next.isNamed = true
  }

  async #create(): Promise<Preparing> {
    const number = this.#nextNumber++
    const path = this.#runtime.files.join(this.#options.directory, segmentFileName(number))
    const file = await this.#runtime.files.open(path, 'create')
    const { random } = this.#runtime
    const nonce = { low: random.u32(), high: this.#options.databaseMark ?? random.u32() }
    return { number, nonce, path, file, filledBytes: 0, isNamed: false }
  }

  #refusal(deletesOnly: boolean): Error {
    const cause = present(this.diskFull, 'a refusal has a cause')
    if (deletesOnly) {
      return new StalledError('Cannot commit deletes: the disk is full and the space kept aside is used up', cause)
    }
    const what = this.#reserve.isLost ? 'the space kept aside is in use' : 'the log cannot grow'
    if (!(cause instanceof DiskFullError)) return new StalledError(`Cannot commit writes: ${what}`, cause)
    return new DiskFullError(`Cannot commit writes: the disk is full (${what}); deletes still run`, { cause })
  }

  async #ended(error: unknown): Promise<void> {
    const cause = error instanceof Error ? error : new Error(String(error))
    if (this.#isReserveStep) {
      this.#wantsReserve = false
      this.#reserveBackoff.failed(cause)
      return
    }
    if (!(cause instanceof DiskFullError)) {
      this.#fail(cause)
      return
    }
    this.#segmentBackoff.failed(cause)
    this.#wantsReserve = false
    try {
      await this.#discard()
    } catch (another) {
      this.#fail(another as Error)
    }
  }

  /** Undoes a preparation that found no room (invariant 3). */
  async #discard(): Promise<void> {
    const next = this.#next
    const isComplete = next !== undefined && next.filledBytes >= this.#targetBytes
    this.#goalBytes = next?.filledBytes ?? 0
    if (next === undefined || next.isNamed || isComplete) return
    this.#next = undefined
    this.#goalBytes = 0
    this.#targetBytes = 0
    await next.file.close()
    await this.#runtime.files.remove(next.path)
  }

  #fail(cause: Error): void {
    this.#hasFailed = true
    this.#options.onFailed(cause)
  }
}

function writeHead(next: Preparing, slice: Buffer): number {
  if (next.filledBytes > 0) return 0
  encodeSegmentHeader({ number: next.number, nonce: next.nonce }, slice)
  return SEGMENT_HEADER_BYTES
}

/** A directory whose sync failed may have lost the segment's name: that is never taken for a mere lack of space. */
async function syncedDirectory(runtime: Runtime, directory: string): Promise<void> {
  try {
    await runtime.files.syncDirectory(directory)
  } catch (cause) {
    throw cause instanceof DiskFullError
      ? new StalledError(`Cannot sync "${directory}": ${cause.message}`, cause)
      : cause
  }
}
