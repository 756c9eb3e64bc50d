/**
 * What must hold of an LSM engine's parts between any two steps: of each by itself, and of what they say of one another.
 *
 * Asked by tests and simulations after every step. Pinned by test/contract/engine.
 */
import { assert } from '../base/assert'
import type { Sequence } from '../base/sequence'
import type { RecoveredStore } from './recovery'

/** Throws `InvariantError` where something does not hold. */
export function checkStoreInvariants(
  { memtables, tables, manifest }: RecoveredStore,
  engine: { readonly publishedSequence: Sequence; readonly isPoisoned: boolean },
): void {
  tables.current.checkInvariants()
  memtables.active.checkInvariants()
  for (const { memtable } of memtables.frozen) memtable.checkInvariants()
  assert(engine.publishedSequence <= memtables.appendedSequence, 'only what was appended is published')
  // After a failure memory and the manifest may have parted.
  if (manifest === undefined || engine.isPoisoned) return
  const { state } = manifest
  assert(state.flushedThrough <= memtables.appendedSequence, 'only what was appended is flushed')
}
