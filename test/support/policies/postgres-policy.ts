/**
 * PostgreSQL's serializable snapshot isolation as published (Ports and Grittner, VLDB 2012): the baseline.
 *
 * Dangerous structure  T1 --rw--> T2 --rw--> T3, refined by two rules:
 * 1. *Commit ordering* (section 3.3.1): only if T3 is the first of the three to commit; nothing is aborted before T3 commits.
 * 2. *Read-only* (section 4.1): if T1 is read-only, only if T3 committed before T1 took its snapshot.
 * Victim (section 5.4, safe retry): the pivot T2 where it is still running, else whoever acts; never a committed one.
 * Not modelled: summarization, lock granularity above a key, two-phase commit: each would only add aborts.
 */
import type { ConflictNode, LastAbort } from './conflict-policy'
import { createConflictPolicy } from './conflict-policy'
import type { Policy } from './policy-store'

interface PostgresNode extends ConflictNode<PostgresNode> {
  /** The first commit among those it has an rw-conflict out to, as of its own commit. */
  earliestOut: number
}

const isCommitted = (one: PostgresNode) => one.committedAt < Infinity
const isReadOnly = (one: PostgresNode) => one.node.isDeclared || (isCommitted(one) && one.node.writes.length === 0)

/** Whether T1 --> T2 --> T3, with T3 committed, must not stand. */
function isDangerous(t1: PostgresNode, t2: PostgresNode, t3: PostgresNode): boolean {
  if (!isCommitted(t3)) return false
  if (t3.committedAt > t1.committedAt || t3.committedAt > t2.committedAt) return false
  return !isReadOnly(t1) || t3.committedAt <= t1.begunAt
}

/** Refuses the pivot of a dangerous structure if it runs, else the one at hand. True: the one at hand goes on. */
function resolve(pivot: PostgresNode, self: PostgresNode): boolean {
  if (pivot === self) return false
  if (isCommitted(pivot)) return false
  pivot.node.isDoomed = true
  return true
}

/** The policy. `lastAbort` is kept up to date for measurements. */
export function createPostgresPolicy(lastAbort?: LastAbort): Policy {
  return createConflictPolicy<PostgresNode>(
    {
      name: 'PostgreSQL SSI',
      create: (base) => ({ ...base, earliestOut: Infinity }),
      onConflict(reader, writer, self) {
        // The writer as pivot: reader --> writer --> T3.
        for (const t3 of writer.outConflicts) {
          if (isDangerous(reader, writer, t3) && !resolve(writer, self)) return false
        }
        // A committed writer that had a conflict out to an earlier commit keeps saying so.
        if (isCommitted(writer) && writer.earliestOut < writer.committedAt && !isForgivenBy(reader, writer))
          return false
        // The reader as pivot: T1 --> reader --> writer.
        for (const t1 of reader.inConflicts) {
          if (!t1.node.isDoomed && isDangerous(t1, reader, writer) && !resolve(reader, self)) return false
        }
        return true
      },
      onCommit(self) {
        // Committing makes this one T3: every T1 --> T2 --> self whose T2 still runs dooms T2.
        for (const t2 of self.inConflicts) {
          if (isCommitted(t2) || t2.node.isDoomed || t2.node.state !== 'active') continue
          for (const t1 of t2.inConflicts) {
            const isOpen = !isCommitted(t1) && !t1.node.isDeclared && !t1.node.isDoomed && t1.node.state === 'active'
            if (t1 === self || isOpen) {
              t2.node.isDoomed = true
              break
            }
          }
        }
        return true
      },
      onCommitted(self) {
        for (const out of self.outConflicts) self.earliestOut = Math.min(self.earliestOut, out.committedAt)
      },
    },
    lastAbort,
  )
}

/** A read-only reader runs first unless the writer's earliest out-conflict committed before the reader's snapshot. */
function isForgivenBy(reader: PostgresNode, writer: PostgresNode): boolean {
  return isReadOnly(reader) && writer.earliestOut > reader.begunAt
}
