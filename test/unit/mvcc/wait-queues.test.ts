/**
 * Queues for keys and the commit gate: first in first out, deadlocks refused, the lease, and nobody starved.
 */
import type { Scheduler } from '../../../src/runtime/runtime'
import type { Owner } from '../../../src/mvcc/wait-queues'
import { WaitQueues } from '../../../src/mvcc/wait-queues'

const LEASE_MS = 1000

/** A scheduler whose timers and after-microtask steps run by hand. */
class HandScheduler implements Scheduler {
  readonly timers = new Set<{ readonly ms: number; readonly fn: () => void }>()
  readonly #steps: (() => void)[] = []

  afterMicrotasks(fn: () => void): void {
    this.#steps.push(fn)
  }

  nextTurn(): Promise<void> {
    return Promise.resolve()
  }

  after(ms: number, fn: () => void): { cancel(): void } {
    const timer = { ms, fn }
    this.timers.add(timer)
    return { cancel: () => void this.timers.delete(timer) }
  }

  fireTimers(): void {
    for (const timer of [...this.timers]) {
      this.timers.delete(timer)
      timer.fn()
    }
  }

  /** Lets microtasks run dry, then does what waits for that. */
  async settle(): Promise<void> {
    await drainMicrotasks()
    for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) step()
    await drainMicrotasks()
  }
}

async function drainMicrotasks(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

interface Party extends Owner {
  refusal: Error | undefined
}

class QueueWorld {
  readonly scheduler = new HandScheduler()
  readonly queues = new WaitQueues(this.scheduler, LEASE_MS)
  /** What happened, in order. */
  readonly log: string[] = []
  #nextId = 1

  party(label?: string): Party {
    const party: Party = {
      id: this.#nextId++,
      label,
      waits: undefined,
      refusal: undefined,
      abort: (error) => {
        party.refusal = error
        this.queues.releaseAll(party, error)
      },
    }
    return party
  }

  /** Queues for a key and logs when its turn has come, or why it never will. */
  wait(party: Party, key: string): void {
    const name = `${String(party.id)} ${key}`
    const turn = this.queues.acquire(party, key)
    if (turn === undefined) this.log.push(`${name} at once`)
    else this.#note(turn, name)
  }

  waitForGate(party: Party): void {
    this.#note(this.queues.waitForGate(party), `${String(party.id)} past the gate`)
  }

  #note(turn: Promise<void>, name: string): void {
    turn.then(
      () => this.log.push(name),
      (error: unknown) => this.log.push(`${name}: ${(error as Error).message}`),
    )
  }

  /** Gives the gate to a new party. */
  async holdGate(): Promise<Party> {
    const holder = this.party('holder')
    await this.queues.seekGate().promise
    this.queues.holdGate(holder)
    return holder
  }
}

describe('the queue of a key', () => {
  test('passes it on first in, first out', async () => {
    const world = new QueueWorld()
    const parties = [world.party(), world.party(), world.party()] as const
    for (const party of parties) world.wait(party, 'k')
    await drainMicrotasks()
    expect(world.log).toEqual(['1 k at once'])
    for (const party of parties) {
      world.queues.checkInvariants()
      world.queues.releaseAll(party, undefined)
      await drainMicrotasks()
    }
    expect(world.log).toEqual(['1 k at once', '2 k', '3 k'])
    expect(world.queues.size).toBe(0)
  })

  test('gives the holder its key again at once, and a waiter the same turn', () => {
    const { queues, party } = bound(new QueueWorld())
    const [one, two] = [party(), party()]
    expect(queues.acquire(one, 'k')).toBeUndefined()
    expect(queues.acquire(one, 'k')).toBeUndefined()
    expect(queues.acquire(two, 'k')).toBe(queues.acquire(two, 'k'))
    queues.checkInvariants()
  })

  test('a waiter that ends leaves the queue, and its wait is rejected with its error', async () => {
    const world = new QueueWorld()
    const [one, two, three] = [world.party(), world.party(), world.party()]
    for (const party of [one, two, three]) world.wait(party, 'k')
    world.queues.releaseAll(two, new Error('time is up'))
    world.queues.releaseAll(one, undefined)
    await drainMicrotasks()
    expect(world.log).toEqual(['1 k at once', '2 k: time is up', '3 k'])
    world.queues.checkInvariants()
  })

  test('other keys are free', () => {
    const world = new QueueWorld()
    world.wait(world.party(), 'k')
    world.wait(world.party(), 'l')
    expect(world.log).toEqual(['1 k at once', '2 l at once'])
    expect(world.queues.size).toBe(2)
  })
})

describe('a deadlock', () => {
  test('of two is refused to the one that would close it, with a typed error that names both and the key', async () => {
    const world = new QueueWorld()
    const [one, two] = [world.party('first'), world.party()]
    world.wait(one, 'a')
    world.wait(two, 'b')
    world.wait(one, 'b')
    expect(() => world.queues.acquire(two, 'a')).toThrow(
      expect.objectContaining({ code: 'DEADLOCK', retryable: true }) as Error,
    )
    expect(() => world.queues.acquire(two, 'a')).toThrow(/transaction 2 wants "a", which transaction 1 \(first\) holds/)
    expect(world.queues.deadlocks).toBe(2)
    world.queues.releaseAll(two, new Error('refused'))
    await drainMicrotasks()
    expect(world.log.at(-1)).toBe('1 b')
    world.queues.checkInvariants()
  })

  test('of three is refused', () => {
    const world = new QueueWorld()
    const [one, two, three] = [world.party(), world.party(), world.party()]
    world.wait(one, 'a')
    world.wait(two, 'b')
    world.wait(three, 'c')
    world.wait(one, 'b')
    world.wait(two, 'c')
    expect(() => world.queues.acquire(three, 'a')).toThrow('wants "a"')
  })

  test('through somebody ahead in a queue, not its holder, is refused', () => {
    const world = new QueueWorld()
    const [holder, ahead, late] = [world.party(), world.party(), world.party()]
    world.wait(late, 'x')
    world.wait(holder, 'k')
    world.wait(ahead, 'k')
    world.wait(ahead, 'x')
    expect(() => world.queues.acquire(late, 'k')).toThrow('wants "k"')
  })

  test('is none where two wait for a third', () => {
    const world = new QueueWorld()
    const [one, two, three] = [world.party(), world.party(), world.party()]
    world.wait(one, 'k')
    world.wait(two, 'l')
    world.wait(two, 'k')
    world.wait(three, 'k')
    world.wait(three, 'l')
    expect(world.queues.deadlocks).toBe(0)
    world.queues.checkInvariants()
  })
})

describe('the gate', () => {
  test('lets its holder pass and nobody else, until the holder ends', async () => {
    const world = new QueueWorld()
    const other = world.party()
    expect(world.queues.isGateFree(other)).toBe(true)
    await world.queues.waitForGate(other)
    const holder = await world.holdGate()
    expect([holder, other].map((party) => world.queues.isGateFree(party))).toEqual([true, false])
    world.waitForGate(other)
    await world.scheduler.settle()
    expect(world.log).toEqual([])
    world.queues.releaseAll(holder, undefined)
    await world.scheduler.settle()
    expect(world.log).toEqual(['1 past the gate'])
    expect(world.queues.isGateFree(other)).toBe(true)
    expect(world.scheduler.timers.size).toBe(0)
  })

  test('passes on when the lease is over, and the former holder is like anyone else', async () => {
    const world = new QueueWorld()
    const holder = await world.holdGate()
    expect([...world.scheduler.timers].map(({ ms }) => ms)).toEqual([LEASE_MS])
    world.scheduler.fireTimers()
    await world.scheduler.settle()
    const next = await world.holdGate()
    expect([holder, next].map((party) => world.queues.isGateFree(party))).toEqual([false, true])
    world.queues.releaseAll(holder, undefined)
    expect(world.queues.isGateFree(holder)).toBe(false)
    expect(world.scheduler.timers.size).toBe(1)
  })

  test('is given to seekers first in, first out', async () => {
    const world = new QueueWorld()
    const granted: number[] = []
    const seekers = [1, 2, 3].map((name) => {
      const seeker = world.queues.seekGate()
      void seeker.promise.then(() => granted.push(name))
      return seeker
    })
    await drainMicrotasks()
    expect(granted).toEqual([1])
    expect(world.queues.leaveGate(seekers[0]!)).toBe(false)
    world.queues.passGate()
    await drainMicrotasks()
    expect(granted).toEqual([1, 2])
    const holder = world.party()
    world.queues.holdGate(holder)
    world.queues.releaseAll(holder, undefined)
    await world.scheduler.settle()
    expect(granted).toEqual([1, 2, 3])
  })

  test('a seeker that gives up in time is passed over', async () => {
    const world = new QueueWorld()
    const holder = await world.holdGate()
    const granted: number[] = []
    const [first, second] = [world.queues.seekGate(), world.queues.seekGate()]
    void first.promise.then(() => granted.push(1))
    void second.promise.then(() => granted.push(2))
    expect(world.queues.leaveGate(first)).toBe(true)
    expect(world.queues.leaveGate(first)).toBe(false)
    world.queues.releaseAll(holder, undefined)
    await world.scheduler.settle()
    expect(granted).toEqual([2])
  })

  test('does not starve those who wait to commit: they go before the next seeker', async () => {
    const world = new QueueWorld()
    const holder = await world.holdGate()
    void world.queues.seekGate().promise.then(() => world.log.push('next seeker'))
    const committer = world.party()
    world.waitForGate(committer)
    world.queues.releaseAll(holder, undefined)
    await world.scheduler.settle()
    expect(world.log).toEqual(['2 past the gate', 'next seeker'])
  })

  test('a committer that ends while it waits is told its error', async () => {
    const world = new QueueWorld()
    await world.holdGate()
    const committer = world.party()
    world.waitForGate(committer)
    world.queues.releaseAll(committer, new Error('given up'))
    await drainMicrotasks()
    expect(world.log).toEqual(['2 past the gate: given up'])
  })

  test('cannot be held or passed on by who was not granted it', () => {
    const world = new QueueWorld()
    expect(() => {
      world.queues.holdGate(world.party())
    }).toThrow('promised')
    expect(() => {
      world.queues.passGate()
    }).toThrow('promised')
  })
})

describe('the gate in the wait-for graph', () => {
  test('the holder wants a key of one who waits at the gate: that one is refused', async () => {
    const world = new QueueWorld()
    const other = world.party()
    world.wait(other, 'k')
    const holder = await world.holdGate()
    world.waitForGate(other)
    world.wait(holder, 'k')
    expect(other.refusal).toMatchObject({ code: 'DEADLOCK' })
    await drainMicrotasks()
    expect(world.log.slice(0, 2)).toEqual(['1 k at once', '2 k at once'])
    expect(world.log.at(-1)).toMatch(/^1 past the gate: Cannot let transaction 1 wait/)
    expect(world.queues.deadlocks).toBe(1)
    world.queues.checkInvariants()
  })

  test('one who holds a key that the holder of the gate waits for must not wait at the gate', async () => {
    const world = new QueueWorld()
    const other = world.party()
    world.wait(other, 'k')
    const holder = await world.holdGate()
    world.wait(holder, 'k')
    expect(() => world.queues.waitForGate(other)).toThrow(/Cannot commit transaction 1: .*transaction 2 \(holder\)/)
    expect(world.queues.deadlocks).toBe(1)
    expect(other.refusal).toBeUndefined()
  })

  test('every one in the way of the holder is refused, through others too; those not in a circle stay', async () => {
    const world = new QueueWorld()
    const [first, second, bystander] = [world.party(), world.party(), world.party()]
    world.wait(first, 'k')
    world.wait(second, 'm')
    world.wait(first, 'm')
    const holder = await world.holdGate()
    world.waitForGate(second)
    world.waitForGate(bystander)
    world.wait(holder, 'k')
    expect([first, second, bystander].map(({ refusal }) => refusal !== undefined)).toEqual([true, false, false])
    expect(world.log).toContain('4 k at once')
    world.queues.checkInvariants()
  })

  test('after the lease a circle with the former holder is one like any other', async () => {
    const world = new QueueWorld()
    const other = world.party()
    world.wait(other, 'k')
    const holder = await world.holdGate()
    world.wait(holder, 'l')
    world.scheduler.fireTimers()
    world.wait(other, 'l')
    expect(() => world.queues.acquire(holder, 'k')).toThrow('wants "k"')
    expect(other.refusal).toBeUndefined()
  })
})

/** The methods of a world by themselves. */
function bound(world: QueueWorld): { readonly queues: WaitQueues; party(): Party } {
  return { queues: world.queues, party: () => world.party() }
}
