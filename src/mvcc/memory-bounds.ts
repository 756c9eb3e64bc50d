/**
 * Merging the reads of a transaction that made too many: neighbours become ranges, and their aborts say so.
 *
 * A merged range also covers keys that were not read, so an abort that rests on it may be needless; it is marked
 * `conservative` and 'merged-range'. Pinned by schedule 11 of test/scripts.
 * Spec: SSI!MergeReads.
 */
import { present } from '../base/assert'
import { keySuccessor } from '../base/bytes'
import { compareEnds } from '../base/key-range'
import type { ConflictIndex } from './conflict-index'
import type { RangeEntry } from './range-index'
import type { RangeRead, TransactionNode } from './transaction-node'

/** How many neighbouring point reads become one range. */
const KEYS_PER_RANGE = 16

/** Turns the point reads of `node` into merged ranges of up to 16 neighbours; a single key stays exact. */
export function mergeKeyReads(node: TransactionNode, index: ConflictIndex): void {
  const records = [...(node.keyReads ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1))
  const ranges = (node.rangeReads ??= new Set())
  for (let i = 0; i < records.length; i += KEYS_PER_RANGE) {
    const group = records.slice(i, i + KEYS_PER_RANGE)
    const first = present(group[0], 'a group has a first key').key
    const last = present(group[group.length - 1], 'a group has a last key').key
    ranges.add(index.rangeReads.insert(first, keySuccessor(last), { node, merged: group.length > 1 }))
  }
  for (const record of records) index.keys.removeReader(record, node)
  node.keyReads = []
}

/** Turns the range reads of `node` into merged ranges, each around up to 16 neighbours. */
export function mergeRangeReads(node: TransactionNode, index: ConflictIndex): void {
  const entries = [...(node.rangeReads ?? [])].sort((a, b) => (a.start < b.start ? -1 : 1))
  const ranges = new Set<RangeEntry<RangeRead>>()
  for (let i = 0; i < entries.length; i += KEYS_PER_RANGE) {
    const group = entries.slice(i, i + KEYS_PER_RANGE)
    const first = present(group[0], 'a group has a first range')
    let { end } = first
    let { merged } = first.value
    for (const next of group.slice(1)) {
      if (compareEnds(end, next.start) < 0 || next.value.merged) merged = true
      if (compareEnds(end, next.end) < 0) end = next.end
    }
    ranges.add(index.rangeReads.insert(first.start, end, { node, merged }))
  }
  for (const entry of entries) index.rangeReads.remove(entry)
  node.rangeReads = ranges
}
