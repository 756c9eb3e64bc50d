/**
 * Serializable snapshot isolation as first published (Cahill, Roehm, Fekete, TODS 2009): the baseline.
 *
 * Each transaction keeps one reference for its conflicts in and one for its conflicts out; more than one becomes a reference to
 * itself. A transaction with both is a pivot and is refused at its commit, unless what it points out to is known to commit
 * after what points in (the enhanced test of section 4.3, with commit times). A conflict with a committed pivot refuses the one
 * at hand.
 */
import type { ConflictNode, LastAbort } from './conflict-policy'
import { createConflictPolicy } from './conflict-policy'
import type { Policy } from './policy-store'

interface CahillNode extends ConflictNode<CahillNode> {
  conflictIn: CahillNode | undefined
  conflictOut: CahillNode | undefined
}

/** Whether `pivot` has both conflicts and the one out may have committed first. */
function isUnsafe(pivot: CahillNode): boolean {
  const { conflictIn, conflictOut } = pivot
  if (conflictIn === undefined || conflictOut === undefined) return false
  if (conflictIn === pivot || conflictOut === pivot) return true
  return !(conflictIn.committedAt < conflictOut.committedAt)
}

/** The policy. `lastAbort` is kept up to date for measurements. */
export function createCahillPolicy(lastAbort?: LastAbort): Policy {
  return createConflictPolicy<CahillNode>(
    {
      name: "Cahill's SSI",
      create: (base) => ({ ...base, conflictIn: undefined, conflictOut: undefined }),
      onConflict(reader, writer, self) {
        reader.conflictOut = reader.conflictOut === undefined ? writer : reader
        writer.conflictIn = writer.conflictIn === undefined ? reader : writer
        const isCommittedPivot = (one: CahillNode) => one !== self && one.committedAt < Infinity && isUnsafe(one)
        return !isCommittedPivot(reader) && !isCommittedPivot(writer)
      },
      onCommit: (self) => !isUnsafe(self),
    },
    lastAbort,
  )
}
