/**
 * The merge of a flush, version by version: walks a cursor in order, drops what nobody can see, writes the rest.
 *
 * Which versions are needed is decided in key-chain.ts; range tombstones are fragmented and kept by the same rules. Merges of
 * tables go by whole stretches of rows instead (table-merge.ts) and write the same bytes.
 *
 * A function over cursors and files: it knows no engine, so that a worker thread can run it as it is.
 * Pinned by test/unit/storage/compaction/compaction-merge.test.ts and test/contract/engine.
 */
import type { ChainRules } from './key-chain'
import { KeyChain } from './key-chain'
import { retainRangeTombstones } from '../rows/range-tombstones'
import type { Slices } from '../slices'
import type { TableOutput } from '../table/table-output'
import type { RangeTombstone, VersionCursor } from '../rows/version-cursor'

/** What a merge needs. */
export interface MergeInputs extends ChainRules {
  /** All versions, ascending; not positioned. Closed by the caller. */
  readonly source: VersionCursor
}

/** What a merge did. */
export interface MergeFigures {
  entriesRead: number
  entriesWritten: number
  bytesRead: number
}

/** The range tombstones of the inputs that the outputs must hold. */
export function neededRangeTombstones(inputs: ChainRules): readonly RangeTombstone[] {
  const { rangeTombstones, retention, olderMayHold } = inputs
  if (rangeTombstones.length === 0) return []
  return retainRangeTombstones(rangeTombstones, retention.sequences).filter(
    (tombstone) => tombstone.sequence > retention.oldest || olderMayHold(tombstone),
  )
}

/** Writes what is needed of `inputs` to `output`, which holds the needed range tombstones already, but does not finish it. */
export async function mergeVersions(inputs: MergeInputs, output: TableOutput, slices: Slices): Promise<MergeFigures> {
  const figures: MergeFigures = { entriesRead: 0, entriesWritten: 0, bytesRead: 0 }
  const chain = new KeyChain(inputs)
  const { source } = inputs
  let moved = source.seek(undefined)
  for (;;) {
    if (!(typeof moved === 'boolean' ? moved : await moved)) return figures
    const bytes = source.keyLength + source.valueLength
    figures.entriesRead++
    figures.bytesRead += bytes
    if (chain.isNeeded(source)) {
      // Cut before the first *written* version of a key: all its written ones then go to the new table.
      if (chain.isFirstWritten && output.shouldCut(source)) await output.cut(source.key)
      if (output.writer === undefined) await output.begin()
      output.add(source)
      figures.entriesWritten++
      if (output.writer?.needsDrain === true) await output.writer.drain()
    }
    const rest = slices.count(bytes)
    if (rest !== undefined) await rest
    moved = source.next()
  }
}
