/**
 * The LSM engine against the in-memory engine, step by step: random batches, snapshots, cursors, flushes, merges, reopenings.
 *
 * After every step one random read is made on both; now and then everything that any held snapshot sees is compared. A
 * failure names the seed and the command that replays it.
 */
import { RANGE_ALL } from '../../../src/base/key-range'
import type { BatchEntry } from '../../../src/storage/engine'
import { SeededRandom, replayCommand, testSeed } from '../../support/oracle/random'
import type { EngineDriver } from './engine-driver'
import { del, delRange, put } from './engine-driver'
import { SUBJECTS } from './engine-subjects'

const STEPS = 400
const KEYS = 48

function key(random: SeededRandom): string {
  const number = random.below(KEYS)
  // Lengths differ, so that prefixes of each other are among them.
  return `${'k'.repeat(1 + (number % 3))}${String(number).padStart(2, '0')}${number % 5 === 0 ? '\0' : ''}`
}

function randomBatch(random: SeededRandom, step: number): BatchEntry[] {
  const entriesByKey = new Map<string, BatchEntry>()
  const ranges: BatchEntry[] = []
  if (random.chance(0.08)) {
    const [a, b] = [key(random), key(random)]
    ranges.push(a < b ? delRange(a, b) : delRange(b, random.chance(0.1) ? undefined : a))
  }
  for (let i = random.below(6); i >= 0; i--) {
    const at = key(random)
    const value = `${step}.${i}`.padEnd(random.chance(0.05) ? 3000 : random.below(120), '.')
    entriesByKey.set(at, random.chance(0.25) ? del(at) : put(at, value))
  }
  return [...ranges, ...entriesByKey.values()]
}

async function compareAll(one: EngineDriver, other: EngineDriver, sequences: readonly number[]): Promise<void> {
  for (const sequence of sequences) {
    for (const reverse of [false, true]) {
      const expected = await other.rows(RANGE_ALL, { sequence, reverse })
      expect(await one.rows(RANGE_ALL, { sequence, reverse })).toEqual(expected)
    }
  }
}

async function compareOne(
  one: EngineDriver,
  other: EngineDriver,
  random: SeededRandom,
  sequence: number,
): Promise<void> {
  const [a, b] = [key(random), key(random)]
  expect(await one.get(a, sequence)).toBe(await other.get(a, sequence))
  const range = a < b ? { start: a, end: b } : { start: b, end: random.chance(0.3) ? undefined : a }
  const reverse = random.chance(0.5)
  expect(await one.rows(range, { sequence, reverse })).toEqual(await other.rows(range, { sequence, reverse }))
}

const durable = SUBJECTS.filter((subject) => subject.isDurable)
const model = SUBJECTS[0]!

describe.each(durable)('$name answers as the in-memory engine does', ({ create }) => {
  test.each([1, 2, 3])('random steps, run %p', async (run) => {
    const seed = testSeed(run * 7919)
    const random = new SeededRandom(seed)
    const [one, other] = [await create(seed), await model.create(seed)]
    const held: number[] = []
    try {
      for (let step = 0; step < STEPS; step++) {
        const batch = randomBatch(random, step)
        await one.append(batch, random.chance(0.3) ? 'os' : 'sync')
        await other.append(batch)
        if (random.chance(0.05) && held.length < 4) {
          held.push(one.hold())
          other.hold()
        }
        if (random.chance(0.04) && held.length > 0) {
          const [sequence] = held.splice(random.below(held.length), 1)
          one.release(sequence!)
          other.release(sequence!)
        }
        if (random.chance(0.06)) await one.disturb()
        if (random.chance(0.02)) await other.engine.compact()
        await compareOne(one, other, random, random.pick([one.sequence, ...held]))
        if (step % 50 === 49) await compareAll(one, other, [one.sequence, ...held])
      }
      await one.engine.compact()
      await compareAll(one, other, [one.sequence, ...held])
      for (const sequence of held) one.release(sequence)
      await one.reopen()
      await compareAll(one, other, [one.sequence])
      await one.engine.close()
    } catch (error) {
      throw new Error(`seed ${seed}; ${replayCommand(seed, 'test/contract/engine/differential')}`, { cause: error })
    }
  })
})
