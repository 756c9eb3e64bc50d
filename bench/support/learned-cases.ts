/**
 * What one process of bench:learned measures: one key set under one index mode.
 *
 *   seek      the index alone: which block can hold a key; nanoseconds of processor time
 *   get       a whole lookup in the table (filter, index, block), everything in the cache
 *   checked   so many searches (instead of milliseconds) held against a binary search over all separators, keys present and absent
 *   figures   what is not a matter of time: sizes, segments, errors
 *
 * Keys are asked for in random order, 65,536 different ones over and over: few enough for their strings to stay in the processor's
 * cache, as a key just given by an application is, and far too many for its branch prediction to learn.
 */
import { fitModel } from '../../src/learned/fit-model'
import { SEGMENT_WORDS } from '../../src/learned/piecewise-model'
import { hashKey, KeyHash } from '../../src/storage/table/filter'
import { MODEL_ERROR_MAX } from '../../src/storage/table/index-mode'
import type { IndexMode } from '../../src/storage/table/index-mode'
import { Lookup, LOOKUP_VALUE } from '../../src/storage/rows/lookup'
import { numberOfKey } from '../../src/storage/table/separators'
import type { CaseSet, MeasureOptions } from './case-contract'
import type { Sample } from './figures'
import { createKeySet } from './key-sets'
import type { KeySet, KeySetName } from './key-sets'
import { createRandom } from './keys'
import { openMemoryTable, writeMemoryTable } from './memory-table'
import type { OpenMemoryTable } from './memory-table'

const PROBES = 65_536
const SEQUENCE = 2
/** Searches between two looks at the clock. */
const BATCH = 8192
/** So many keys are read whole; a larger table would be measured by its misses. */
export const GET_KEYS_MAX = 1_000_000

/** Sets up a set under a mode; `options.rows` is the number of keys. */
export async function openLearnedCases(name: KeySetName, mode: IndexMode, options: MeasureOptions): Promise<CaseSet> {
  const set = createKeySet(name, options.rows)
  const opened = await openMemoryTable(await writeMemoryTable(set, mode), mode)
  const random = createRandom(options.rows)
  const probes = Array.from({ length: PROBES }, () => flat(set.keyAt(Math.floor(random() * set.count))))
  return {
    run: async (what, ms) => {
      if (what === 'seek') return seeks(opened, probes, ms)
      if (what === 'get') return set.count > GET_KEYS_MAX ? {} : gets(opened, probes, ms)
      if (what === 'checked') return checkedSeeks(opened, set, ms)
      return figuresOf(opened, mode)
    },
    close: async () => opened.table.unpin(),
  }
}

/** As the store's door gives keys: one sequential string, no pieces. */
function flat(key: string): string {
  return Buffer.from(key, 'latin1').latin1Slice()
}

/** Nanoseconds of processor time for each of the operations that `batch` does `BATCH` of at a time. */
function timed(ms: number, batch: () => void): Sample {
  let operations = 0
  const startedMs = performance.now()
  const before = process.cpuUsage()
  do {
    batch()
    operations += BATCH
  } while (performance.now() - startedMs < ms)
  const used = process.cpuUsage(before)
  return { nanoseconds: ((used.user + used.system) * 1000) / operations, operations }
}

let next = 0

function seeks({ blocks }: OpenMemoryTable, probes: readonly string[], ms: number): Sample {
  let sum = 0
  const sample = timed(ms, () => {
    for (let i = 0; i < BATCH; i++) sum += blocks.find(probes[(next = (next + 1) % PROBES)]!, SEQUENCE)
  })
  if (sum === 0.5) throw new Error('blocks are whole numbers')
  return sample
}

function gets({ table }: OpenMemoryTable, probes: readonly string[], ms: number): Sample {
  const hash = new KeyHash()
  const found = new Lookup()
  return timed(ms, () => {
    for (let i = 0; i < BATCH; i++) {
      const key = probes[(next = (next + 1) % PROBES)]!
      hashKey(key, hash)
      table.getSync(key, hash, SEQUENCE, found)
      if (found.state !== LOOKUP_VALUE) throw new Error('a key of the set is not found')
    }
  })
}

/** The numbers of all separators. */
function numbersOf({ contents }: OpenMemoryTable): Float64Array {
  const { index } = contents
  const prefixLength = index.root.prefix.length
  return Float64Array.from({ length: index.count }, (_, block) => numberOfKey(index.separatorKey(block), prefixLength))
}

/** So many searches; throws at the first answer that a binary search does not give. */
function checkedSeeks(opened: OpenMemoryTable, set: KeySet, searches: number): Sample {
  const { contents, blocks } = opened
  const { hits: hitsBefore, fallbacks: fallbacksBefore } = opened.counters.model
  const random = createRandom(set.count + searches)
  let checked = 0
  for (; checked < searches; checked++) {
    const key = absentOrPresent(set, random)
    const expected = contents.index.findByHalving(key, SEQUENCE)
    const found = blocks.find(key, SEQUENCE)
    if (found !== expected) throw new Error(`Block ${found} instead of ${expected} for ${JSON.stringify(key)}`)
  }
  const { hits, fallbacks } = opened.counters.model
  return { checked, hits: hits - hitsBefore, fallbacks: fallbacks - fallbacksBefore }
}

function absentOrPresent(set: KeySet, random: () => number): string {
  const key = set.keyAt(Math.floor(random() * set.count))
  const kind = Math.floor(random() * 4)
  if (kind === 0) return key
  if (kind === 1) return `${key}\0`
  // Another byte somewhere: beyond an end now and then, mostly a neighbour.
  const at = Math.floor(random() * key.length)
  return key.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + (kind === 2 ? key.slice(at + 1) : '')
}

function figuresOf(opened: OpenMemoryTable, mode: IndexMode): Sample {
  const { lookupIndex } = opened.contents
  const numbers = numbersOf(opened)
  let ties = 0
  for (let i = 1; i < numbers.length; i++) if (numbers[i] === numbers[i - 1]) ties++
  const sizes = { blocks: numbers.length, indexBytes: lookupIndex.bytes, modelBytes: lookupIndex.modelBytes, ties }
  const isLearned = lookupIndex.mode === 'binary' ? 0 : 1
  if (mode === 'binary') return { ...sizes, isLearned }
  const model = fitModel(numbers, MODEL_ERROR_MAX)
  let greatest = 0
  for (let segment = 0; segment < model.segments; segment++) {
    greatest = Math.max(greatest, model.parts.words[SEGMENT_WORDS * segment + 1]!)
  }
  const fitNanoseconds = timeFit(numbers)
  return {
    ...sizes,
    isLearned,
    segments: model.segments,
    levels: model.levels,
    errorGreatest: greatest,
    fitNanoseconds,
  }
}

/** Nanoseconds for each block; the least of several, as the first ones compile. */
function timeFit(numbers: Float64Array): number {
  let least = Infinity
  for (let i = 0; i < 9; i++) {
    const before = process.cpuUsage()
    fitModel(numbers, MODEL_ERROR_MAX)
    const used = process.cpuUsage(before)
    least = Math.min(least, ((used.user + used.system) * 1000) / numbers.length)
  }
  return least
}
