/**
 * A store that is only its tables' properties: loads, flushes and merges without a byte, to see what the picker makes of them.
 *
 * A model key stands for `rowsPerKey` rows next to one another. Tables are lists of keys; a merge keeps each key once and
 * cuts as `TableOutput` does. The real picker decides; what it writes is counted.
 */
import type { KeyRange } from '../../../src/base/key-range'
import type { Limits } from '../../../src/base/limits'
import type { CompactionPlan } from '../../../src/storage/compaction/compaction-picker'
import { pickCompaction } from '../../../src/storage/compaction/compaction-picker'
import { createRetention } from '../../../src/storage/compaction/compaction-retention'
import { LEVELS } from '../../../src/storage/manifest/manifest-state'
import type { Levels } from '../../../src/storage/table/runs'
import { packRuns, sumBytes, tablesOf } from '../../../src/storage/table/runs'
import type { TableProperties } from '../../../src/storage/table/table-format'

/** Keys ascending, without doubles. */
type Keys = Uint32Array

interface ModelTable {
  readonly properties: TableProperties
  readonly keys: Keys
}

const KEY_DIGITS = 8

function keyOf(key: number): string {
  return key.toString(16).padStart(KEY_DIGITS, '0')
}

/** One load going through levels. */
export class CompactionModel {
  readonly #limits: Limits
  readonly #keyBytes: number
  readonly #tables = new Map<number, ModelTable>()
  #levels: Levels = Array.from({ length: LEVELS }, () => [])
  #numbers = 0
  #placed: {
    readonly age: number
    readonly level: number
    readonly bounds: KeyRange
    readonly table: TableProperties
  }[] = []
  flushedBytes = 0
  mergedBytes = 0
  merges = 0
  largestMergeBytes = 0
  /** The greatest number of runs of a level above the last, ever. */
  runsMax = 0

  /** `keyBytes`: what a model key weighs in a table. */
  constructor(limits: Limits, keyBytes: number) {
    this.#limits = limits
    this.#keyBytes = keyBytes
  }

  get levels(): Levels {
    return this.#levels
  }

  /** Bytes of all tables. */
  get bytes(): number {
    return sumBytes(tablesOf(this.#levels.flat()))
  }

  /** Distinct keys, by what they weigh. */
  get liveBytes(): number {
    const keys = new Set<number>()
    for (const { fileNumber } of tablesOf(this.#levels.flat())) {
      for (const key of this.#tables.get(fileNumber)!.keys) keys.add(key)
    }
    return keys.size * this.#keyBytes
  }

  /** Everything written for what was flushed. */
  get writeAmplification(): number {
    return (this.flushedBytes + this.mergedBytes) / this.flushedBytes
  }

  /** Runs that a lookup may have to ask. */
  get runs(): number {
    return this.#levels.flat().length
  }

  /** A memtable with these keys becomes a run of level 0. */
  flush(keys: Iterable<number>): void {
    const sorted = Uint32Array.from(new Set(keys)).sort()
    const run = Math.max(0, ...this.#levels[0]!.map((one) => one.run)) + 1
    const table = this.#create(sorted)
    this.flushedBytes += table.fileBytes
    this.#replace([], [{ level: 0, run, table }])
  }

  /** Does up to `count` merges that the picker asks for: whether there is nothing left to do. */
  merge(count: number, atRest = false): boolean {
    for (let done = 0; done < count; done++) {
      const plan = pickCompaction(this.#levels, this.#limits, { retention: createRetention([], 1e9), atRest })
      if (plan === undefined) return true
      this.apply(plan)
    }
    return false
  }

  /** Does one merge. */
  apply(plan: CompactionPlan): void {
    const inputs = plan.inputs.flatMap(({ tables }) => tables)
    const place = { level: plan.outputLevel, run: plan.outputRun }
    this.merges++
    if (plan.isMove) {
      this.#replace(inputs, inputs.map((table) => ({ ...place, table }))) // prettier-ignore
      return
    }
    const outputs = this.#write(inputs, plan)
    const bytes = sumBytes(outputs)
    this.mergedBytes += bytes
    this.largestMergeBytes = Math.max(this.largestMergeBytes, bytes)
    this.#replace(inputs, outputs.map((table) => ({ ...place, table }))) // prettier-ignore
    for (const { fileNumber } of inputs) this.#tables.delete(fileNumber)
  }

  #write(inputs: readonly TableProperties[], plan: CompactionPlan): TableProperties[] {
    const union = new Set<number>()
    for (const { fileNumber } of inputs) for (const key of this.#tables.get(fileNumber)!.keys) union.add(key)
    const keys = Uint32Array.from(union).sort()
    const outputs: TableProperties[] = []
    let [from, nextCut] = [0, 0]
    for (let i = 0; i < keys.length; i++) {
      const before = nextCut
      const name = keyOf(keys[i]!)
      while (nextCut < plan.cutKeys.length && plan.cutKeys[nextCut]! <= name) nextCut++
      const bytes = (i - from) * this.#keyBytes
      if (bytes < plan.tableBytesMax && !(nextCut > before && bytes >= plan.tableBytesMax / 4)) continue
      if (i === from) continue
      outputs.push(this.#create(keys.slice(from, i)))
      from = i
    }
    if (from < keys.length) outputs.push(this.#create(keys.slice(from)))
    return outputs
  }

  #create(keys: Keys): TableProperties {
    const fileNumber = ++this.#numbers
    const [firstKey, lastKey] = [keyOf(keys[0]!), keyOf(keys.at(-1)!)]
    const properties = {
      fileNumber, fileBytes: keys.length * this.#keyBytes, bounds: { start: firstKey, end: `${lastKey}\0` }, firstKey, lastKey, firstSequence: fileNumber,
      lastSequence: fileNumber, entries: keys.length, keys: keys.length, tombstones: 0, rangeTombstones: 0, keyBytes: 1, valueBytes: 1, dataBlocks: 1,
    } // prettier-ignore
    this.#tables.set(fileNumber, { properties, keys })
    return properties
  }

  #replace(
    removed: readonly TableProperties[],
    added: readonly { readonly level: number; readonly run: number; readonly table: TableProperties }[],
  ): void {
    const gone = new Set(removed)
    this.#placed = [
      ...this.#placed.filter(({ table }) => !gone.has(table)),
      ...added.map(({ run, ...rest }) => ({ age: run, bounds: rest.table.bounds, ...rest })),
    ]
    this.#levels = Array.from({ length: LEVELS }, (_, level) => {
      const packed = packRuns(this.#placed.filter((place) => place.level === level))
      return packed.map((places) => ({ run: Math.max(...places.map(({ age }) => age)), tables: places.map(({ table }) => table) })) // prettier-ignore
    })
    const upper = this.#levels.slice(1, this.#levels.findIndex((runs, i) => i > 0 && this.#levels.slice(i + 1).flat().length === 0)) // prettier-ignore
    this.runsMax = Math.max(this.runsMax, ...upper.map((runs) => runs.length))
    this.#checkOrder()
  }

  #checkOrder(): void {
    for (const { tables } of this.#levels.flat()) {
      for (let i = 1; i < tables.length; i++) {
        if (tables[i - 1]!.bounds.end! > tables[i]!.bounds.start) throw new Error('a run overlaps itself')
      }
    }
  }
}
