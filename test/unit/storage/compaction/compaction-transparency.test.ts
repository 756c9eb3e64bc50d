/**
 * No plan changes what anybody reads: random flushes, deletes, snapshots and merges, in a store of tables that are lists of versions.
 *
 * The real picker plans (relief, rest, ranges, dead tables), merges follow the two rules of retention to the letter and cut
 * where they are told to; after each, every key is looked up in the runs, newest first, at every live snapshot.
 * Replay one seed: `SEED=<n> npx jest test/unit/storage/compaction/compaction-transparency`.
 */
import { rangesOverlap } from '../../../../src/base/key-range'
import { createLimits } from '../../../../src/base/limits'
import type { CompactionPlan } from '../../../../src/storage/compaction/compaction-picker'
import { lastLevel, pickCompaction } from '../../../../src/storage/compaction/compaction-picker'
import { planRange, planRewriteOf, tablesToRewrite } from '../../../../src/storage/compaction/compaction-range'
import { createRetention, isVersionNeeded } from '../../../../src/storage/compaction/compaction-retention'
import type { Retention } from '../../../../src/storage/compaction/compaction-retention'
import { LEVELS } from '../../../../src/storage/manifest/manifest-state'
import type { Levels } from '../../../../src/storage/table/runs'
import { packRuns, tablesOf } from '../../../../src/storage/table/runs'
import type { TableProperties } from '../../../../src/storage/table/table-format'
import { SeededRandom } from '../../../support/oracle/random'

interface Version {
  readonly key: string
  readonly sequence: number
  /** Undefined: a tombstone. */
  readonly value: number | undefined
}

interface Placed {
  readonly level: number
  readonly age: number
  readonly bounds: TableProperties['bounds']
  readonly table: TableProperties
  readonly versions: readonly Version[]
}

const VERSION_BYTES = 1024
const LIMITS = createLimits({
  levelZeroTablesMax: 2,
  levelSizeRatio: 2,
  tableBytesMin: 8 * 1024,
  tableBytesMax: 32 * 1024,
  levelBytesBase: 48 * 1024,
})

class VersionStore {
  readonly #random: SeededRandom
  readonly history: Version[] = []
  readonly snapshots = new Set<number>()
  readonly reasons = new Set<string>()
  #placed: Placed[] = []
  #numbers = 0
  #sequence = 0
  droppedTombstones = 0

  constructor(random: SeededRandom) {
    this.#random = random
  }

  get levels(): Levels {
    return Array.from({ length: LEVELS }, (_, level) =>
      packRuns(this.#placed.filter((place) => place.level === level)).map((places) => ({
        run: Math.max(...places.map(({ age }) => age)),
        tables: places.map(({ table }) => table),
      })),
    )
  }

  get retention(): Retention {
    return createRetention(this.snapshots, this.#sequence)
  }

  get sequence(): number {
    return this.#sequence
  }

  flush(count: number): void {
    const keys = new Set<string>()
    const start = this.#random.below(60)
    while (keys.size < count) keys.add(keyOf(start + this.#random.below(40)))
    const versions = [...keys].map((key) => {
      const sequence = ++this.#sequence
      return { key, sequence, value: this.#random.chance(0.4) ? undefined : sequence }
    })
    this.history.push(...versions)
    const age = Math.max(0, ...this.levels[0]!.map(({ run }) => run)) + 1
    this.#placed.push(this.#table(versions.sort(compareVersions), { level: 0, age }))
  }

  apply(plan: CompactionPlan): void {
    this.reasons.add(plan.isMove ? 'move' : plan.reason)
    const inputs = tablesOf(plan.inputs)
    const taken = this.#placed.filter(({ table }) => inputs.includes(table))
    const place = { level: plan.outputLevel, age: plan.outputRun }
    this.#placed = this.#placed.filter(({ table }) => !inputs.includes(table))
    if (plan.isMove) this.#placed.push(...taken.map((one) => ({ ...one, ...place })))
    else this.#placed.push(...this.#cut(this.#merge(taken, plan), plan).map((versions) => this.#table(versions, place)))
  }

  #merge(taken: readonly Placed[], plan: CompactionPlan): Version[] {
    const { retention } = this
    const kept: Version[] = []
    let before: Version | undefined
    for (const version of taken.flatMap(({ versions }) => versions).sort(compareVersions)) {
      const replacedAt = before?.key === version.key ? before.sequence : Infinity
      before = version
      if (!isVersionNeeded(retention, version.sequence, replacedAt)) continue
      const point = { start: version.key, end: `${version.key}\0` }
      const isCovered = plan.older.some((range) => rangesOverlap(range, point))
      if (version.value === undefined && version.sequence <= retention.oldest && !isCovered) this.droppedTombstones++
      else kept.push(version)
    }
    return kept
  }

  #cut(versions: readonly Version[], plan: CompactionPlan): Version[][] {
    const tables: Version[][] = []
    for (const [i, version] of versions.entries()) {
      const current = tables.at(-1)
      const isNewKey = version.key !== versions[i - 1]?.key
      const bytes = (current?.length ?? 0) * VERSION_BYTES
      const isAtCut = plan.cutKeys.some((key) => key <= version.key && key > (versions[i - 1]?.key ?? ''))
      const isDue = bytes >= plan.tableBytesMax || (isAtCut && bytes >= plan.tableBytesMax / 4)
      if (current === undefined || (isNewKey && isDue)) tables.push([version])
      else current.push(version)
    }
    return tables
  }

  #table(versions: readonly Version[], place: { readonly level: number; readonly age: number }): Placed {
    const keys = versions.map(({ key }) => key)
    const sequences = versions.map(({ sequence }) => sequence)
    const bounds = { start: keys[0]!, end: `${keys.at(-1)!}\0` }
    const table = {
      fileNumber: ++this.#numbers, fileBytes: versions.length * VERSION_BYTES, bounds, firstKey: keys[0]!, lastKey: keys.at(-1)!, firstSequence: Math.min(...sequences),
      lastSequence: Math.max(...sequences), entries: versions.length, keys: new Set(keys).size, tombstones: versions.filter(({ value }) => value === undefined).length,
      rangeTombstones: 0, keyBytes: 1, valueBytes: 1, dataBlocks: 1,
    } // prettier-ignore
    return { ...place, bounds, table, versions }
  }

  /** What a reader at `sequence` finds: the first run that has anything decides. */
  read(key: string, sequence: number): number | undefined {
    for (const { tables } of this.levels.flat()) {
      const table = tables.find(({ bounds }) => bounds.start <= key && key < bounds.end!)
      const versions = this.#placed.find((place) => place.table === table)?.versions ?? []
      const found = versions.find((version) => version.key === key && version.sequence <= sequence)
      if (found !== undefined) return found.value
    }
    return undefined
  }

  modelRead(key: string, sequence: number): number | undefined {
    const seen = this.history.filter((version) => version.key === key && version.sequence <= sequence)
    return seen.at(-1)?.value
  }
}

function keyOf(number: number): string {
  return String(number).padStart(3, '0')
}

function compareVersions(a: Version, b: Version): number {
  return a.key === b.key ? b.sequence - a.sequence : a.key < b.key ? -1 : 1
}

function plans(store: VersionStore, random: SeededRandom): CompactionPlan | undefined {
  const { levels, retention } = store
  const choice = random.below(10)
  if (choice < 6) return pickCompaction(levels, LIMITS, { retention, atRest: choice < 2 })
  const start = random.below(100)
  const range = { start: keyOf(start), end: random.chance(0.2) ? undefined : keyOf(start + random.below(20)) }
  const plan = planRange(levels, { range, through: store.sequence }, LIMITS)
  if (plan !== undefined) return plan
  const [number] = tablesToRewrite(levels, range)
  return number === undefined ? undefined : planRewriteOf(levels, number, LIMITS)
}

function expectAsWritten(store: VersionStore): void {
  for (let number = 0; number < 100; number++) {
    const key = keyOf(number)
    for (const sequence of [...store.snapshots, store.sequence]) {
      const [found, wanted] = [store.read(key, sequence), store.modelRead(key, sequence)]
      if (found !== wanted) throw new Error(`key ${key} at ${sequence}: ${found} instead of ${wanted}`)
    }
  }
}

function live(seed: number): VersionStore {
  const random = new SeededRandom(seed)
  const store = new VersionStore(random)
  for (let step = 0; step < 60; step++) {
    store.flush(1 + random.below(20))
    if (random.chance(0.3)) store.snapshots.add(store.sequence - random.below(3))
    for (const sequence of [...store.snapshots]) if (random.chance(0.25)) store.snapshots.delete(sequence)
    for (let merges = random.below(4); merges > 0; merges--) {
      const plan = plans(store, random)
      if (plan === undefined) continue
      store.apply(plan)
      expectAsWritten(store)
    }
  }
  store.snapshots.clear()
  return store
}

describe('no plan changes what a reader at any live snapshot finds', () => {
  const given = process.env.SEED
  const seeds = given === undefined ? Array.from({ length: 25 }, (_, i) => i + 1) : [Number(given)]

  test.each(seeds)('seed %d', (seed) => {
    const store = live(seed)
    expect(store.droppedTombstones).toBeGreaterThan(0)
    // In the end the last level holds each live key once, and no tombstone has outlived what it hid.
    for (;;) {
      const all = { start: '', end: undefined }
      const [number] = tablesToRewrite(store.levels, all)
      const plan =
        planRange(store.levels, { range: all, through: Infinity }, LIMITS) ??
        (number === undefined ? undefined : planRewriteOf(store.levels, number, LIMITS))
      if (plan === undefined) break
      store.apply(plan)
      expectAsWritten(store)
    }
    const tables = tablesOf(store.levels.flat())
    expect(store.levels.findIndex((runs) => runs.length > 0)).toBe(lastLevel(store.levels))
    expect(tables.every(({ tombstones, entries, keys }) => tombstones === 0 && entries === keys)).toBe(true)
  })

  test('every kind of plan was among them', () => {
    const reasons = new Set([1, 2, 3, 4, 5, 6].flatMap((seed) => [...live(seed).reasons]))
    for (const reason of ['runs', 'rest', 'manual', 'move']) expect(reasons).toContain(reason)
  })
})
