/**
 * What part of a compaction the fitting of models is: a loaded store is merged, and its models are fitted once more, timed.
 *
 * Processor time of all threads on both sides. The rows are written in random order, with values of 100 bytes.
 */
import path from 'node:path'
import { fitModel } from '../../src/learned/fit-model'
import { open } from '../../src/open'
import { MODEL_ERROR_MAX } from '../../src/storage/table/index-mode'
import type { CaseSet, MeasureOptions } from './case-contract'
import { createRandom, keyOf, shuffledOrdinals, VALUE_BYTES } from './keys'

const ROWS_EACH = 1000

export async function openCompactionCase({ directory, rows }: MeasureOptions): Promise<CaseSet> {
  const store = path.join(directory, 'store')
  const db = await open(store, { durability: 'os', indexMode: 'resident' })
  const order = shuffledOrdinals(rows, createRandom(1))
  const value = Buffer.alloc(VALUE_BYTES, 1)
  for (let from = 0; from < rows; from += ROWS_EACH) {
    await db.transact((tx) => {
      for (const ordinal of order.subarray(from, from + ROWS_EACH)) tx.put(keyOf(ordinal), value)
    })
  }
  await db.flush()
  return {
    run: async () => {
      const written = db.stats().storage.compactionBytesWritten
      const before = process.cpuUsage()
      await db.compact()
      const used = process.cpuUsage(before)
      const bytes = db.stats().storage.compactionBytesWritten - written
      const mergeMs = (used.user + used.system) / 1000
      const blocks = Math.ceil(bytes / 4096)
      return { mergeMs, bytes, blocks, fitMs: fitMs(blocks), share: fitMs(blocks) / mergeMs }
    },
    close: () => db.close(),
  }
}

/** Fits a model to so many separators of such keys; the median of several. */
function fitMs(blocks: number): number {
  const numbers = Float64Array.from({ length: blocks }, (_, i) =>
    Number(`0x${Buffer.from(keyOf(i * 34).slice(-6)).toString('hex')}`),
  ).sort()
  const times = Array.from({ length: 9 }, () => {
    const before = process.cpuUsage()
    fitModel(numbers, MODEL_ERROR_MAX)
    const used = process.cpuUsage(before)
    return (used.user + used.system) / 1000
  })
  return times.sort((a, b) => a - b)[4]!
}
