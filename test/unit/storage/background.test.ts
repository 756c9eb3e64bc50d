import { createLimits } from '../../../src/base/limits'
import type { JobKind } from '../../../src/storage/background'
import { Background } from '../../../src/storage/background'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'

interface World {
  runtime: MemoryRuntime
  background: Background
  log: string[]
  /** Jobs left to do, by kind. */
  left: Record<JobKind, number>
  failures: number
  during: (kind: JobKind) => Promise<void>
  isHalted: boolean
}

function create(): World {
  const runtime = createMemoryRuntime({ seed: 1 })
  const world: World = { runtime, log: [], left: { flush: 0, compaction: 0 }, failures: 0, during: async () => undefined, isHalted: false } as unknown as World // prettier-ignore
  world.background = new Background(runtime, {
    limits: createLimits({ backoffMsMin: 10, backoffMsMax: 35 }),
    step: async (kind) => {
      if (world.left[kind] === 0) return false
      world.log.push(`${kind} begins`)
      await world.during(kind)
      if (world.failures > 0) {
        world.failures--
        throw new Error(`${kind} failed`)
      }
      world.left[kind]--
      world.log.push(`${kind} ends`)
      return true
    },
    isHalted: () => world.isHalted,
    onFailed: (kind, error) => world.log.push(`${kind}: ${error.message}`),
    onDone: () => undefined,
  })
  return world
}

async function turns(world: World, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await world.runtime.scheduler.nextTurn()
}

describe('background work', () => {
  test('does all there is to do of a kind, one job after the other', async () => {
    const world = create()
    world.left.flush = 3
    await world.background.run('flush')
    expect(world.log).toEqual(Array.from({ length: 3 }, () => ['flush begins', 'flush ends']).flat())
  })

  test('a job that somebody asked for has its turn behind the running one, however many more there are', async () => {
    const world = create()
    world.left.compaction = Infinity
    world.during = () => turns(world, 1)
    world.background.wake('compaction')
    await turns(world, 5)
    await world.background.once('compaction', async () => void world.log.push('asked for'))
    expect(world.log.filter((line) => line === 'asked for')).toHaveLength(1)
    await world.background.close()
  })

  test('whoever waits for what is there need not wait for what comes later', async () => {
    const world = create()
    world.left.flush = Infinity
    world.during = () => turns(world, 1)
    let jobs = 0
    await world.background.run('flush', () => jobs++ === 2)
    expect(world.log.filter((line) => line === 'flush ends')).toHaveLength(2)
    await world.background.close()
  })

  test('a merge lets a waiting flush through between two slices', async () => {
    const world = create()
    world.left.compaction = 1
    world.during = async (kind) => {
      if (kind === 'flush') return turns(world, 3)
      world.left.flush = 1
      world.background.wake('flush')
      await world.background.yieldToFlushes()
    }
    await world.background.run('compaction')
    expect(world.log).toEqual(['compaction begins', 'flush begins', 'flush ends', 'compaction ends'])
  })

  test('starts over after pauses that double up to a bound, and forgets the failure after a success', async () => {
    const world = create()
    world.left.flush = 1
    world.failures = 4
    const starts: number[] = []
    world.during = async () => void starts.push(world.runtime.clock.monotonicMs())
    await expect(world.background.run('flush')).rejects.toThrow('flush failed')
    expect(world.background.error?.message).toBe('flush failed')
    expect(world.background.errorOf('compaction')).toBeUndefined()
    // Waking in the pause changes nothing.
    world.background.wake('flush')
    while (world.left.flush > 0) await new Promise((resolve) => setImmediate(resolve))
    await world.background.run('flush')
    expect(starts.slice(1).map((at, i) => Math.round(at - starts[i]!))).toEqual([10, 20, 35, 35])
    expect(world.background.error).toBeUndefined()
  })

  test('one job asked for fails towards whoever asked, and is not repeated as such', async () => {
    const world = create()
    let runs = 0
    const job = async (): Promise<void> => {
      runs++
      throw new Error('no')
    }
    await expect(world.background.once('compaction', job)).rejects.toThrow('no')
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(runs).toBe(1)
    expect(world.background.error).toBeUndefined()
  })

  test('a job that nobody wants any more ends at its next slice, without counting as a failure', async () => {
    const world = create()
    world.left.compaction = 1
    world.during = async () => {
      void world.background.close()
      await world.background.yieldToFlushes()
    }
    await expect(world.background.run('compaction')).rejects.toThrow('not wanted')
    await world.background.close()
    expect(world.log).toEqual(['compaction begins'])
    expect(world.background.error).toBeUndefined()
  })

  test('begins nothing when halted or closed, and no timer stays behind', async () => {
    const world = create()
    world.left.flush = 2
    world.isHalted = true
    await world.background.run('flush')
    world.isHalted = false
    world.failures = 1
    await expect(world.background.run('flush')).rejects.toThrow()
    await world.background.close()
    world.background.wake('flush', true)
    await world.background.run('flush')
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(world.log.filter((line) => line === 'flush begins')).toHaveLength(1)
  })
})
