/**
 * Secures room in the log before a commit is decided: after that nothing may stop it, so `append` never waits.
 *
 * What is outstanding (the group that fills, as one frame, and each reservation as a frame of its own, for nobody knows
 * how they will fall into groups) fits, all of it, either into the current segment or into the next one that is ready:
 *
 *     cost(filling) + sum of cost(reservation)  <=  max(room in the current segment, room in the next)
 *
 * 1. Appending never raises the left side: a commit costs no more inside a group than alone. Writing a group lowers both
 *    sides alike, or moves on to the next segment, whose room was enough. So the inequality stays true by itself.
 * 2. First come, first served: what waits is granted in order, so that a large commit is not starved by small ones.
 * 3. A group is bounded by `logGroupBytesMax`, or is one larger commit alone.
 * 4. A bulk load pauses it: whatever was granted is appended, and nothing more until the load's change is recorded.
 *
 * Pinned by test/unit/storage/log/log-admission.test.ts.
 */
import { assert } from '../../base/assert'
import type { Limits } from '../../base/limits'
import { BATCH_HEADER_BYTES } from '../rows/batch-codec'
import type { WaitFigures } from './log-contract'
import { groupCost } from './log-pace'
import type { SegmentSupply } from './log-supply'

/** What there is, looked at anew for each decision. Sizes in bytes. */
export interface LogRoom {
  readonly currentBytes: number
  readonly nextBytes: number
  /** Payload of the group that fills. */
  readonly fillingBytes: number
}

/** What is outstanding besides the group that fills. */
export interface Outstanding {
  readonly reservedBytes: number
  readonly reservedCost: number
}

/** 'crowded': writing what is outstanding will make room; 'no-room': only another segment will. */
export type Admission = 'granted' | 'crowded' | 'no-room'

/** Whether a reservation with a payload of `payloadBytes` can be granted now. */
export function decideAdmission(
  payloadBytes: number,
  state: LogRoom & Outstanding & Pick<Limits, 'logGroupBytesMax'>,
): Admission {
  const { fillingBytes, reservedBytes, reservedCost, currentBytes, nextBytes } = state
  const gathered = fillingBytes + reservedBytes
  if (gathered > 0 && gathered + payloadBytes > state.logGroupBytesMax) return 'crowded'
  const cost = groupCost(payloadBytes)
  const room = Math.max(currentBytes, nextBytes)
  if (groupCost(fillingBytes) + reservedCost + cost <= room) return 'granted'
  return gathered > 0 && cost <= nextBytes ? 'crowded' : 'no-room'
}

interface Waiting {
  readonly payloadBytes: number
  readonly deletesOnly: boolean
  readonly sinceMs: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** The reservations of one log. */
export class LogAdmission {
  readonly #limits: Limits
  readonly #supply: Pick<SegmentSupply, 'demand' | 'demandReserve' | 'isReserveLost'>
  readonly #room: () => LogRoom
  #waiting: Waiting[] = []
  #reservations = 0
  #reservedBytes = 0
  #reservedCost = 0
  readonly #nowMs: () => number
  #waits = 0
  #waitedMs = 0
  #longestWaitMs = 0
  #isPaused = false
  /** Told once no more than so many reservations are outstanding. */
  #onDrained: { readonly kept: number; readonly resolve: () => void } | undefined

  constructor(
    limits: Limits,
    world: {
      readonly supply: Pick<SegmentSupply, 'demand' | 'demandReserve' | 'isReserveLost'>
      readonly room: () => LogRoom
      /** The monotonic clock, in milliseconds. */
      readonly nowMs: () => number
    },
  ) {
    this.#limits = limits
    this.#supply = world.supply
    this.#room = world.room
    this.#nowMs = world.nowMs
  }

  /** The waits of reservations so far; of those that wait now, only how many. */
  get waits(): WaitFigures {
    return { count: this.#waits, totalMs: this.#waitedMs, longestMs: this.#longestWaitMs }
  }

  /** Whether nothing is reserved and nobody waits. */
  get isIdle(): boolean {
    return this.#reservations === 0 && this.#waiting.length === 0
  }

  /** Whether what is outstanding still fits after `bytes` of the current segment have gone to something else. */
  canSpare(bytes: number): boolean {
    const { currentBytes, nextBytes, fillingBytes } = this.#room()
    const cost = groupCost(fillingBytes) + this.#reservedCost
    return currentBytes >= bytes && cost <= Math.max(currentBytes - bytes, nextBytes)
  }

  /** As `Engine.reserve`, the poisoned and the closed log apart. */
  reserve(bytes: number, deletesOnly: boolean): undefined | Promise<void> {
    const payloadBytes = bytes + BATCH_HEADER_BYTES
    if (this.#waiting.length === 0) {
      const outcome = this.#admit(payloadBytes, deletesOnly)
      if (outcome === 'granted') return undefined
      if (outcome !== 'waiting') throw outcome
    }
    this.#waits++
    const sinceMs = this.#nowMs()
    return new Promise((resolve, reject) => this.#waiting.push({ payloadBytes, deletesOnly, sinceMs, resolve, reject }))
  }

  /** Takes a reservation back: it was given up, or its commit is in the group now. */
  release(bytes: number): void {
    const payloadBytes = bytes + BATCH_HEADER_BYTES
    this.#reservations--
    this.#reservedBytes -= payloadBytes
    this.#reservedCost -= groupCost(payloadBytes)
    assert(this.#reservations >= 0 && this.#reservedBytes >= 0, 'what is given back was reserved')
    const drained = this.#onDrained
    if (drained === undefined || this.#reservations > drained.kept) return
    this.#onDrained = undefined
    drained.resolve()
  }

  /**
   * Grants nothing more until `resume`, and resolves when no more than `kept` reservations are outstanding: those are the
   * caller's, and from then on nothing is appended but by the caller. REQUIRES: not paused.
   */
  pause(kept: number): Promise<void> {
    assert(!this.#isPaused, 'one pauses at a time')
    this.#isPaused = true
    if (this.#reservations <= kept) return Promise.resolve()
    return new Promise((resolve) => (this.#onDrained = { kept, resolve }))
  }

  /** Grants again. */
  resume(): void {
    this.#isPaused = false
    this.#onDrained = undefined
    this.serve()
  }

  /** Grants what can be granted, refuses what is hopeless. Called whenever there may be more room. */
  serve(): void {
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      const outcome = this.#admit(head.payloadBytes, head.deletesOnly)
      if (outcome === 'waiting') return
      this.#waiting.shift()
      this.#record(head)
      if (outcome === 'granted') head.resolve()
      else head.reject(outcome)
    }
  }

  /** Refuses everybody that waits. */
  refuseAll(error: Error): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const head of waiting) {
      this.#record(head)
      head.reject(error)
    }
  }

  /** A wait ends now. */
  #record({ sinceMs }: Waiting): void {
    const ms = this.#nowMs() - sinceMs
    this.#waitedMs += ms
    this.#longestWaitMs = Math.max(this.#longestWaitMs, ms)
  }

  #admit(payloadBytes: number, deletesOnly: boolean): 'granted' | 'waiting' | Error {
    if (this.#isPaused) return 'waiting'
    if (!deletesOnly && this.#supply.isReserveLost) return this.#supply.demandReserve() ?? 'waiting'
    const { currentBytes, nextBytes, fillingBytes } = this.#room()
    const decision = decideAdmission(payloadBytes, {
      currentBytes,
      nextBytes,
      fillingBytes,
      reservedBytes: this.#reservedBytes,
      reservedCost: this.#reservedCost,
      logGroupBytesMax: this.#limits.logGroupBytesMax,
    })
    if (decision === 'no-room') return this.#supply.demand(groupCost(payloadBytes), deletesOnly) ?? 'waiting'
    if (decision === 'crowded') return 'waiting'
    this.#reservations++
    this.#reservedBytes += payloadBytes
    this.#reservedCost += groupCost(payloadBytes)
    return 'granted'
  }
}
