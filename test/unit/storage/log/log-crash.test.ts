/**
 * Lives of a log that end anywhere: at every I/O call, with anything left of what was unsynced, and again in the next life.
 *
 * Each seed is one life: random commits in random durabilities, a crash before or after a random call, a disk as a power
 * loss or a kill may leave it. `STRICTKV_SEED=<seed> npx jest test/unit/storage/log/log-crash` runs one alone.
 */
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import { createRandomStream } from '../../../support/memory-runtime/random-stream'
import type { Durability } from '../../../../src/storage/engine'
import { batchBytes } from '../../../../src/storage/engine'
import { commit, openWorld, putBatch, recover, valueOf } from './log-world'
import type { LogWorld, Recovered } from './log-world'
import { TINY } from './log-images'

const SEEDS = process.env.STRICTKV_SEED === undefined ? 500 : 1
const FIRST_SEED = Number(process.env.STRICTKV_SEED ?? 1)
const COMMITS = 60

interface Life {
  readonly runtime: MemoryRuntime
  readonly named: readonly number[]
  readonly appended: number
  /** The greatest sequence that was published as durable. */
  readonly acknowledged: number
  readonly published: number
}

const valueBytes = (sequence: number): number => 10 + ((sequence * 397) % 1500)

/** Commits until the world ends or `COMMITS` are through. */
async function live(seed: number, crashAt: number | undefined): Promise<Life> {
  const random = createRandomStream(seed, 'life')
  const runtime = createMemoryRuntime({
    seed,
    clockJumps: false,
    inject: ({ index }) => (index === crashAt ? (random.below(2) === 0 ? 'crash-before' : 'crash-after') : undefined),
  })
  const facts = { appended: 0, acknowledged: 0, published: 0 }
  let world: LogWorld | undefined
  const ended = (async (): Promise<void> => {
    world = await openWorld(runtime, { limits: { ...TINY, logIdleMs: 1, syncIntervalMs: 5 } })
    const durabilities: Durability[] = []
    world.onPublished = (sequence) => {
      for (let one = facts.published + 1; one <= sequence; one++) {
        if (durabilities[one] === 'sync') facts.acknowledged = one
      }
      facts.published = sequence
    }
    for (let sequence = 1; sequence <= COMMITS; sequence++) {
      const durability = random.below(3) === 0 ? 'os' : 'sync'
      durabilities[sequence] = durability
      const batch = putBatch(sequence, valueBytes(sequence))
      await world.log.reserve(batchBytes(batch), false)
      facts.appended = sequence
      world.log.append(batch, batchBytes(batch), sequence, durability)
      if (random.below(10) === 0) await world.log.sync()
      if (random.below(10) === 0) runtime.advance(10)
      // Fails only where the world has ended, or the log was poisoned: both are judged by what is found.
      if (random.below(8) === 0) void world.log.startOver().catch(() => undefined)
      if (random.below(3) === 0) await runtime.scheduler.nextTurn()
    }
    await world.log.sync()
    facts.acknowledged = COMMITS
  })()
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  ended.then(over, over)
  // Once the world has ended nothing in it ever settles.
  while (!isOver && !runtime.crashed) await new Promise((resolve) => setImmediate(resolve))
  if (isOver) await ended
  return { runtime, named: [...(world?.named ?? [])], ...facts }
}

function check(life: Life, found: Recovered, mustHave: number): void {
  expect(found.applied.map(({ sequence }) => sequence)).toEqual(found.applied.map((_, index) => index + 1))
  for (const { sequence, batch } of found.applied) {
    expect(valueOf(sequence, valueBytes(sequence)).equals(batch[0]!.value!)).toBe(true)
  }
  expect(found.lastSequence).toBeGreaterThanOrEqual(mustHave)
  expect(found.lastSequence).toBeLessThanOrEqual(life.appended)
}

async function recoverFrom(image: DurableImage, named: readonly number[]): Promise<Recovered> {
  return recover(createMemoryRuntime({ files: image }), named)
}

test('a crash at any call leaves a prefix with everything acknowledged, however much of the rest survives', async () => {
  const whole = await live(0, undefined)
  const calls = whole.runtime.calls.length
  let torn = 0
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    try {
      const life = await live(seed, createRandomStream(seed, 'crash').below(calls))
      if (life.named.length === 0) continue
      for (const choice of [
        'synced-only',
        'everything',
        { seed },
        { seed: seed + 10_000 },
        { seed: seed + 20_000 },
      ] as const) {
        const found = await recoverFrom(life.runtime.durableImage(choice), life.named)
        check(life, found, choice === 'everything' ? life.published : life.acknowledged)
        if (found.torn !== undefined) torn++
      }
    } catch (error) {
      throw new Error(`seed ${seed}: STRICTKV_SEED=${seed} npx jest test/unit/storage/log/log-crash`, { cause: error })
    }
  }
  if (SEEDS > 1) expect(torn).toBeGreaterThan(SEEDS / 10)
})

test('recovering twice changes nothing, and the next life continues behind what was found', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const life = await live(seed, 60 + seed * 3)
    const image = life.runtime.durableImage({ seed })
    const runtime = createMemoryRuntime({ files: image, seed })
    const first = await recover(runtime, life.named)
    const { applied, ...again } = await recover(runtime, life.named)
    expect({ ...again, applied: applied.length }).toEqual({ ...first, applied: first.applied.length })
    const after = runtime.durableImage('everything').files
    for (const [path, bytes] of image.files) expect(Buffer.compare(after.get(path)!, bytes)).toBe(0)
    expect(after.size).toBe(image.files.size)
    const next = await openWorld(runtime, {
      limits: TINY,
      firstSegment: Math.max(...life.named) + 1000,
      lastSequence: first.lastSequence,
      previous: first.end!,
    })
    const sequence = first.lastSequence + 1
    await commit(next.log, putBatch(sequence, valueBytes(sequence)), sequence)
    await next.log.sync()
    const found = await recover(createMemoryRuntime({ files: runtime.durableImage('synced-only') }), next.named, {
      afterSequence: first.lastSequence,
    })
    expect(found.applied.map((one) => one.sequence)).toEqual([sequence])
    const both = await recover(runtime, [...life.named.filter((number) => number <= first.end!.segment), ...next.named])
    expect(both.lastSequence).toBe(sequence)
  }
})
