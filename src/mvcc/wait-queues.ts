/**
 * Who waits for whom: the queues of getForUpdate, first in first out per key, the commit gate, and the refusal of deadlocks.
 *
 * A key passes on when its holder is decided or ends. The gate lets one starving transaction commit alone: while it is
 * held, nobody else's writes are decided. Both stand in one wait-for graph: a wait that would close a cycle is refused, and
 * of two that wait for each other the one without the gate is the one refused.
 *
 *      T holds "a" ----> waits at the gate ----> G holds the gate ----> waits for "a"       T is refused
 *
 * Invariant: the wait-for graph (waiter -> holder and everyone ahead; committer -> holder of the gate) has no cycle.
 * Pinned by test/unit/mvcc/wait-queues.test.ts.
 */
import { assert, present } from '../base/assert'
import type { Key } from '../base/bytes'
import { escapeKey } from '../base/bytes'
import { DeadlockError, TransactionClosedError } from '../base/errors'
import type { Scheduler, Timer } from '../runtime/runtime'
import { Deferred } from './deferred'

/** A transaction as the queues know it. */
export interface Owner {
  readonly id: number
  readonly label: string | undefined
  /** What it holds and waits for, kept here by the queues. */
  waits: OwnerWaits | undefined
  /** Ends the transaction because its wait was refused; it calls `releaseAll` on the way. */
  abort(error: Error): void
}

interface Waiter {
  readonly owner: Owner
  readonly granted: Deferred<void>
}

interface KeyQueue {
  holder: Owner
  readonly waiters: Waiter[]
}

/** The fields are the queues'. */
export interface OwnerWaits {
  /** Each key once, in the order in which they became its own. */
  readonly held: Key[]
  readonly waited: Key[]
  gate: Deferred<void> | undefined
}

/** The queues as one owner stands in them. */
export interface ExplainedWaits {
  readonly held: readonly Key[]
  readonly waited: readonly { readonly key: Key | undefined; readonly behind: Owner | undefined }[]
}

/** Holds the queues that are gone: an abandoned one must keep no transaction alive. */
const NOBODY: Owner = { id: 0, label: undefined, waits: undefined, abort: () => undefined }

/** See the file's header. */
export class WaitQueues {
  readonly #scheduler: Scheduler
  readonly #gateLeaseMs: number
  readonly #queuesByKey = new Map<Key, KeyQueue>()
  /** Owners that wait at the gate. */
  readonly #gateWaiters = new Set<Owner>()
  #gateHolder: Owner | undefined = undefined
  #gateLease: Timer | undefined = undefined
  /** Those who want the gate; a granted one becomes its holder through `holdGate`. */
  readonly #gateSeekers: Deferred<void>[] = []
  /** The gate is promised to a seeker that has not begun yet. */
  #gatePromised = false
  deadlocks = 0

  constructor(scheduler: Scheduler, gateLeaseMs: number) {
    this.#scheduler = scheduler
    this.#gateLeaseMs = gateLeaseMs
  }

  /** Keys held or waited for. */
  get size(): number {
    return this.#queuesByKey.size
  }

  /** Takes a key for `owner`: undefined if it is its own at once, else a promise for its turn. Throws `DeadlockError`. */
  acquire(owner: Owner, key: Key): Promise<void> | undefined {
    const queue = this.#queuesByKey.get(key)
    if (queue === undefined) {
      this.#queuesByKey.set(key, { holder: owner, waiters: [] })
      waitsOf(owner).held.push(key)
      return undefined
    }
    if (queue.holder === owner) return undefined
    const known = queue.waiters.find((waiter) => waiter.owner === owner)
    if (known !== undefined) return known.granted.promise
    this.#breakCycles(owner, key)
    // The cycle may have been broken by ending the holder: look again.
    const current = this.#queuesByKey.get(key)
    if (current === undefined || current.holder === owner) return this.acquire(owner, key)
    const waiter: Waiter = { owner, granted: new Deferred() }
    current.waiters.push(waiter)
    waitsOf(owner).waited.push(key)
    return waiter.granted.promise
  }

  /** Gives up everything that `owner` holds or waits for, the gate included. Waits of its own are rejected with `error`. */
  releaseAll(owner: Owner, error: Error | undefined): void {
    const { waits } = owner
    if (waits !== undefined) {
      owner.waits = undefined
      if (waits.gate !== undefined) this.#gateWaiters.delete(owner)
      for (const key of waits.waited) this.#leaveQueue(owner, key, error)
      for (const key of waits.held) this.#passOn(key)
      if (error !== undefined) waits.gate?.reject(error)
    }
    if (this.#gateHolder === owner) this.#releaseGate()
  }

  /** Whether `owner` may have its writes decided now. */
  isGateFree(owner: Owner): boolean {
    return this.#gateHolder === undefined || this.#gateHolder === owner
  }

  /** Waits until the gate has passed on; the caller then asks `isGateFree` again. Throws `DeadlockError`. */
  waitForGate(owner: Owner): Promise<void> {
    const holder = this.#gateHolder
    if (holder === undefined) return Promise.resolve()
    if (this.#reaches(holder, owner)) {
      this.deadlocks++
      throw new DeadlockError(
        `Cannot commit ${describeOwner(owner)}: it would wait at the commit gate for ${describeOwner(holder)}, which waits for it`,
      )
    }
    const waits = waitsOf(owner)
    waits.gate ??= new Deferred()
    this.#gateWaiters.add(owner)
    return waits.gate.promise
  }

  /** Waits for the gate, first in first out. When it resolves the gate is promised: call `holdGate` or `passGate` at once. */
  seekGate(): Deferred<void> {
    const seeker = new Deferred<void>()
    this.#gateSeekers.push(seeker)
    this.#grantGate()
    return seeker
  }

  /** A seeker gives up before it was granted the gate; false if it had been granted. */
  leaveGate(seeker: Deferred<void>): boolean {
    const place = this.#gateSeekers.indexOf(seeker)
    if (place < 0) return false
    this.#gateSeekers.splice(place, 1)
    return true
  }

  /** The granted seeker has begun: `owner` holds the gate until it ends, at most for the lease. */
  holdGate(owner: Owner): void {
    assert(this.#gatePromised, 'the gate was promised to whoever takes it')
    this.#gatePromised = false
    this.#gateHolder = owner
    this.#gateLease = this.#scheduler.after(this.#gateLeaseMs, () => {
      if (this.#gateHolder === owner) this.#releaseGate()
    })
  }

  /** The granted seeker does not want the gate any more. */
  passGate(): void {
    assert(this.#gatePromised, 'the gate was promised to whoever passes it on')
    this.#gatePromised = false
    this.#grantGate()
  }

  #releaseGate(): void {
    this.#gateHolder = undefined
    this.#gateLease?.cancel()
    this.#gateLease = undefined
    for (const { waits } of this.#gateWaiters) {
      waits?.gate?.resolve()
      if (waits !== undefined) waits.gate = undefined
    }
    this.#gateWaiters.clear()
    // Those who waited to commit go first, in this turn's microtasks: seekers in a row would starve them.
    this.#scheduler.afterMicrotasks(() => {
      this.#grantGate()
    })
  }

  #grantGate(): void {
    if (this.#gateHolder !== undefined || this.#gatePromised) return
    const seeker = this.#gateSeekers.shift()
    if (seeker === undefined) return
    this.#gatePromised = true
    seeker.resolve()
  }

  #passOn(key: Key): void {
    const queue = this.#queuesByKey.get(key)
    assert(queue !== undefined, 'a held key has a queue')
    const next = queue.waiters.shift()
    if (next === undefined) {
      this.#queuesByKey.delete(key)
      queue.holder = NOBODY
      return
    }
    queue.holder = next.owner
    const waits = waitsOf(next.owner)
    waits.waited.splice(waits.waited.indexOf(key), 1)
    waits.held.push(key)
    next.granted.resolve()
  }

  #leaveQueue(owner: Owner, key: Key, error: Error | undefined): void {
    const waiters = this.#queuesByKey.get(key)?.waiters ?? []
    const place = waiters.findIndex((waiter) => waiter.owner === owner)
    assert(place >= 0, 'who waits for a key stands in its queue')
    const [waiter] = waiters.splice(place, 1)
    waiter?.granted.reject(
      error ?? new TransactionClosedError('Cannot take the key: the transaction was rolled back meanwhile'),
    )
  }

  /** Refuses waits until waiting for `key` closes no cycle: the other side if `owner` holds the gate, else `owner`. */
  #breakCycles(owner: Owner, key: Key): void {
    while (this.#canBeWaitedFor(owner)) {
      const queue = this.#queuesByKey.get(key)
      if (queue === undefined || queue.holder === owner) return
      const ahead = [queue.holder, ...queue.waiters.map((waiter) => waiter.owner)]
      const blocker = ahead.find((other) => this.#reaches(other, owner))
      if (blocker === undefined) return
      this.deadlocks++
      const victim = this.#gateHolder === owner ? blocker : owner
      const error = new DeadlockError(
        `Cannot let ${describeOwner(victim)} wait: ${describeOwner(owner)} wants ${escapeKey(key)}, which ${describeOwner(blocker)} holds or waits for, and that one waits for it in turn`,
      )
      if (victim === owner) throw error
      victim.abort(error)
    }
  }

  /** Whether `start` waits, directly or through others, for `target`. In a queue each waits for the one before it. */
  #reaches(start: Owner, target: Owner): boolean {
    const seen = new Set<Owner>()
    const open = [start]
    for (let from = open.pop(); from !== undefined; from = open.pop()) {
      if (from === target) return true
      if (seen.has(from)) continue
      seen.add(from)
      const { waits } = from
      if (waits === undefined) continue
      if (waits.gate !== undefined && this.#gateHolder !== undefined) open.push(this.#gateHolder)
      for (const key of waits.waited) open.push(this.#aheadOf(from, key))
    }
    return false
  }

  #aheadOf(owner: Owner, key: Key): Owner {
    const queue = present(this.#queuesByKey.get(key), 'a key that is waited for has a queue')
    const place = queue.waiters.findIndex((waiter) => waiter.owner === owner)
    return queue.waiters[place - 1]?.owner ?? queue.holder
  }

  /** Whether anybody can be waiting for `owner`: nobody is, while it has neither key nor place in a queue nor gate. */
  #canBeWaitedFor(owner: Owner): boolean {
    if (this.#gateHolder === owner) return true
    const { waits } = owner
    return waits !== undefined && waits.held.length + waits.waited.length > 0
  }

  /** What `owner` holds, and what it waits for, each with the one right ahead of it; what has no key is the gate. */
  explain(owner: Owner): ExplainedWaits {
    const { waits } = owner
    if (waits === undefined) return { held: [], waited: [] }
    const keys = waits.waited.map((key) => ({ key, behind: this.#aheadOf(owner, key) }))
    return {
      held: [...waits.held],
      waited: waits.gate === undefined ? keys : [...keys, { key: undefined, behind: this.#gateHolder }],
    }
  }

  checkInvariants(): void {
    for (const [key, { holder, waiters }] of this.#queuesByKey) {
      assert(holder.waits?.held.includes(key) === true, 'a holder knows its key')
      this.#checkOwner(holder)
      for (const { owner } of waiters) {
        assert(owner.waits?.waited.includes(key) === true, 'a waiter knows its key')
        assert(!this.#reaches(holder, owner), 'nobody waits for itself')
        this.#checkOwner(owner)
      }
    }
    for (const { waits } of this.#gateWaiters) assert(waits?.gate !== undefined, 'who waits at the gate knows it')
  }

  #checkOwner(owner: Owner): void {
    const { held, waited } = waitsOf(owner)
    assert(new Set([...held, ...waited]).size === held.length + waited.length, 'a key is held or waited for, once')
    for (const key of held) assert(this.#queuesByKey.get(key)?.holder === owner, 'a held key names its holder')
    for (const key of waited) assert(this.#queuesByKey.has(key), 'a key that is waited for has a queue')
  }
}

function waitsOf(owner: Owner): OwnerWaits {
  return (owner.waits ??= { held: [], waited: [], gate: undefined })
}

function describeOwner(owner: Owner): string {
  const name = `transaction ${String(owner.id)}`
  return owner.label === undefined ? name : `${name} (${owner.label})`
}
