/** One suite over every way to find a block: binary, resident and lean answer alike. */
import * as fc from 'fast-check'
import { createKeySet, KEY_SET_NAMES } from '../../../bench/support/key-sets'
import { SEQUENCE_INFINITY } from '../../../src/base/sequence'
import { PiecewiseModel } from '../../../src/learned/piecewise-model'
import { INDEX_PAGE_ROWS } from '../../../src/storage/table/index-format'
import type { LeanIndex } from '../../../src/storage/table/lean-index'
import { TableIndex } from '../../../src/storage/table/table-index'
import { SeededRandom } from '../../support/oracle/random'
import {
  BLOCK_BYTES,
  compareSeparators,
  indexFileOf,
  indexOf,
  leanIndexOf,
  modelOf,
  rootOf,
  separatorsFrom,
  separatorsOf,
} from '../../unit/storage/table/index-world'
import type { Separator } from '../../unit/storage/table/index-world'
import { check, modelKeys } from '../../unit/storage/rows/version-model'

const file = 'test/contract/storage/block-index.test.ts'
const modes = ['binary', 'resident', 'lean'] as const
const sequences = [SEQUENCE_INFINITY, 5, 3, 1, 0]

/** By halving over the separators themselves. */
function expectedBlock(separators: readonly Separator[], asked: Separator): number {
  let [low, high] = [0, separators.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareSeparators(separators[middle]!, asked) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function expectRight(
  index: TableIndex | LeanIndex,
  separators: readonly Separator[],
  asked: Iterable<Separator>,
): void {
  for (const { key, sequence } of asked) {
    const found = index.find(key, sequence)
    const expected = expectedBlock(separators, { key, sequence })
    if (found !== expected) expect({ key, sequence, found }).toEqual({ key, sequence, found: expected })
    if (found === separators.length) continue
    const isPlaced = index.has(found) && index.blockOffset(found) === BLOCK_BYTES * found && index.blockEnd(found) === BLOCK_BYTES * (found + 1) // prettier-ignore
    if (!isPlaced) expect({ found, isPlaced }).toEqual({ found, isPlaced: true })
  }
}

/** Each separator, what is just around it, and ends; with every kind of sequence. */
function* questionsAbout(separators: readonly Separator[], others: readonly string[]): Iterable<Separator> {
  for (const key of [...others, ...separators.map((separator) => separator.key), '', '\xff'.repeat(9)]) {
    for (const sequence of sequences) yield { key, sequence }
  }
}

const separatorLists = (length: number): fc.Arbitrary<Separator[]> =>
  fc
    .uniqueArray(fc.record({ key: modelKeys, sequence: fc.nat({ max: 5 }) }), {
      selector: ({ key, sequence }) => `${key}/${sequence}`,
      minLength: 1,
      maxLength: length,
    })
    .map((list) => list.sort(compareSeparators))

describe.each(modes)('an index of mode %s', (mode) => {
  it('is of that mode, and finds the first separator at or behind an internal key', async () => {
    await check(
      file,
      fc.property(separatorLists(60), fc.array(modelKeys, { maxLength: 20 }), (separators, others) => {
        const index = indexOf(separators, mode)
        expect(index.mode).toBe(mode)
        expectRight(index, separators, questionsAbout(separators, others))
      }),
    )
  })

  test.each(KEY_SET_NAMES)('answers exactly over the key set %s, keys present and absent', (name) => {
    const set = createKeySet(name, 60_000)
    const separators = separatorsFrom((rank) => set.keyAt(rank), 1500, 40)
    const index = indexOf(separators, mode)
    const random = new SeededRandom(3)
    const asked = Array.from({ length: 3000 }, (_, i) => {
      const key = set.keyAt(random.below(set.count))
      return { key: i % 3 === 0 ? key.slice(0, -1) + String.fromCharCode(random.below(256)) : key, sequence: i % 7 }
    })
    expectRight(index, separators, [...asked, ...separators])
  })

  it('tells apart the versions of one key that span hundreds of blocks, and runs of keys that differ late', () => {
    const versions = Array.from({ length: 500 }, (_, i) => ({ key: 'hot', sequence: 1000 - i }))
    const late = Array.from({ length: 700 }, (_, i) => ({ key: `tie/the same for long ${String(i).padStart(4, '0')}`, sequence: 0 })) // prettier-ignore
    const separators = [{ key: 'a', sequence: 0 }, ...versions, ...late, { key: 'z', sequence: 0 }]
    const asked = Array.from({ length: 1100 }, (_, i) => ({ key: 'hot', sequence: i }))
    const between = late.map(({ key }) => ({ key: `${key}x`, sequence: 3 }))
    expectRight(indexOf(separators, mode), separators, [...separators, ...asked, ...between])
  })

  it('answers at the borders of its pages', () => {
    for (const count of [1, INDEX_PAGE_ROWS - 1, INDEX_PAGE_ROWS, INDEX_PAGE_ROWS + 1, 3 * INDEX_PAGE_ROWS]) {
      const separators = Array.from({ length: count }, (_, i) => ({ key: `k${String(i * i).padStart(8, '0')}`, sequence: 0 })) // prettier-ignore
      const asked = separators.map(({ key }) => ({ key: `${key}\0`, sequence: 1 }))
      expectRight(indexOf(separators, mode), separators, [...separators, ...asked])
    }
  })
})

describe('a model that lies', () => {
  const set = createKeySet('lognormal', 100_000)
  const separators = separatorsFrom((rank) => set.keyAt(rank), 2500, 40)
  const asked = Array.from({ length: 400 }, (_, i) => ({ key: set.keyAt(i * 249), sequence: i % 3 }))
  const encoded = indexFileOf(separators, 'binary')

  /** The model with some of its numbers replaced. */
  function lying(seed: number): PiecewiseModel {
    const { parts } = modelOf(separators)
    const random = new SeededRandom(seed)
    const [doubles, words] = [parts.doubles.slice(), parts.words.slice()]
    for (let i = 0; i < 1 + random.below(20); i++) {
      const lie = random.pick([NaN, Infinity, -Infinity, 0, -1, 1e18, -1e18, random.u32()])
      doubles[random.below(doubles.length)] = lie
      words[random.below(words.length)] = random.pick([0, 1, 0xffff_ffff, random.u32()])
    }
    return new PiecewiseModel({ ...parts, doubles, words })
  }

  it('costs a resident index searches of everything, never an answer', () => {
    let fallbacks = 0
    for (let seed = 1; seed <= 60; seed++) {
      const model = lying(seed)
      expectRight(new TableIndex(rootOf(encoded), separatorsOf(encoded), model), separators, asked)
      fallbacks += model.counters.fallbacks
    }
    expect(fallbacks).toBeGreaterThan(0)
  })

  it('costs a lean index pages, three times as many as halving would at most, never an answer', () => {
    let fallbacks = 0
    const pages = Math.ceil(separators.length / INDEX_PAGE_ROWS)
    // Steps that grow from where the lie points, each of them halved, and the first looks.
    const readsMax = 3 * Math.ceil(Math.log2(pages)) + 4
    for (let seed = 1; seed <= 30; seed++) {
      const model = lying(seed)
      const world = leanIndexOf(encoded, model)
      for (const question of asked) {
        world.pageReads = 0
        const found = world.index.find(question.key, question.sequence)
        if (found !== expectedBlock(separators, question)) expect({ seed, question, found }).toBe('another block')
        expect(world.pageReads).toBeLessThanOrEqual(readsMax)
      }
      fallbacks += model.counters.fallbacks
    }
    expect(fallbacks).toBeGreaterThan(0)
  })
})

describe('the page that a lean index reads', () => {
  it('is one for nearly every key of a smooth set', () => {
    const set = createKeySet('uniform', 400_000)
    const separators = separatorsFrom((rank) => set.keyAt(rank), 10_000, 40)
    const world = leanIndexOf(indexFileOf(separators, 'lean'), modelOf(separators))
    for (let i = 0; i < 5000; i++) world.index.find(set.keyAt((i * 7919) % set.count), 1)
    expect(world.pageReads).toBeLessThan(5000 * 1.15)
  })
})
