/**
 * The simple merge that the merge of tables is held against: all versions sorted, each judged by what somebody can see, each added by itself.
 *
 * It shares with the code under test how one version is added to a table, and nothing of how sources are walked, compared or skipped.
 */
import { rangeContains, rangesOverlap } from '../../../../src/base/key-range'
import type { KeyRange } from '../../../../src/base/key-range'
import type { Runtime } from '../../../../src/runtime/runtime'
import { neededRangeTombstones } from '../../../../src/storage/compaction/compaction-merge'
import type { Retention } from '../../../../src/storage/compaction/compaction-retention'
import { ENTRY_DELETE } from '../../../../src/storage/engine'
import type { OutputPlan } from '../../../../src/storage/compaction/merge-job'
import { openOutput } from '../../../../src/storage/compaction/merge-job'
import type { TableProperties } from '../../../../src/storage/table/table-format'
import type { RangeTombstone } from '../../../../src/storage/rows/version-cursor'
import { asVersion } from '../table/table-world'
import { inOrder, newestCovering } from '../rows/version-model'
import type { ModelVersion } from '../rows/version-model'

/** What the inputs of a merge hold, whatever table it is in. */
export interface ReferenceInputs {
  readonly versions: readonly ModelVersion[]
  readonly rangeTombstones: readonly RangeTombstone[]
  readonly retention: Retention
  readonly older: readonly KeyRange[]
}

/** The versions that a merge must keep, in internal order. */
export function neededVersions(inputs: ReferenceInputs): ModelVersion[] {
  const { versions, rangeTombstones, retention, older } = inputs
  return inOrder(versions).filter((version, i, all) => {
    const { key, sequence, kind } = version
    const newer = all[i - 1]
    const replacedAt = newer?.key === key ? newer.sequence : Infinity
    const isSeen =
      sequence > retention.published ||
      retention.sequences.some(
        (reader) =>
          reader >= sequence && reader < replacedAt && newestCovering(rangeTombstones, key, reader) <= sequence,
      )
    if (!isSeen) return false
    if (kind !== ENTRY_DELETE || sequence > retention.oldest) return true
    return older.some((range) => rangeContains(range, key))
  })
}

/** Merges `inputs` into the tables that `plan` describes. */
export async function referenceMerge(
  runtime: Runtime,
  inputs: ReferenceInputs,
  plan: OutputPlan,
): Promise<readonly TableProperties[]> {
  const { rangeTombstones, retention, older } = inputs
  const olderMayHold = (range: KeyRange): boolean => older.some((bounds) => rangesOverlap(bounds, range))
  const output = openOutput(runtime, plan, neededRangeTombstones({ rangeTombstones, retention, olderMayHold }))
  let before: string | undefined
  for (const model of neededVersions(inputs)) {
    const version = asVersion(model)
    if (model.key !== before && output.shouldCut(version)) await output.cut(model.key)
    before = model.key
    if (output.writer === undefined) await output.begin()
    output.add(version)
  }
  return output.finish()
}
