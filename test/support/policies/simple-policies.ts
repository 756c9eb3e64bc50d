/**
 * Three policies whose faults, or lack of faults, are known: the yardsticks of the oracles.
 */
import { SerializationGraph } from '../oracle/checker'
import type { TransactionRecord } from '../oracle/history'
import { createRecord } from '../oracle/history'
import type { Interval } from '../oracle/intervals'
import { setsOverlap } from '../oracle/intervals'
import type { Policy, PolicyNode } from './policy-store'

/** A committed write set, kept for ever. */
interface Committed {
  readonly commit: number
  readonly writes: readonly Interval[]
}

const writtenAfter = (commits: readonly Committed[], sequence: number, sets: readonly Interval[]): boolean => {
  for (let i = commits.length - 1; i >= 0 && commits[i]!.commit > sequence; i--) {
    if (setsOverlap(commits[i]!.writes, sets)) return true
  }
  return false
}

/** Snapshot isolation: the first committer of a key wins, reads count for nothing. Lets write skew through. */
export function createSnapshotPolicy(): Policy {
  const commits: Committed[] = []
  return {
    name: 'snapshot isolation',
    commit(node, sequence) {
      if (writtenAfter(commits, node.snapshot, node.writes)) return false
      if (node.writes.length > 0) commits.push({ commit: sequence, writes: node.writes })
      return true
    },
  }
}

/** Backward optimistic validation: a writer commits only if nothing it has read was overwritten since its snapshot. */
export function createOptimisticPolicy(): Policy {
  const commits: Committed[] = []
  return {
    name: 'optimistic validation',
    commit(node, sequence) {
      if (node.writes.length === 0) return true
      if (writtenAfter(commits, node.snapshot, node.reads)) return false
      commits.push({ commit: sequence, writes: node.writes })
      return true
    },
  }
}

/** The guarantee itself, decided by the checker: no anomaly, no needless abort, no speed. */
export function createExactPolicy(): Policy {
  const graph = new SerializationGraph()
  const recordsById = new Map<number, TransactionRecord>()
  const recordOf = (node: PolicyNode): TransactionRecord => {
    const known = recordsById.get(node.id)
    if (known !== undefined) return known
    const record = createRecord(node.id, `T${node.id}`, node.isDeclared ? 'declared' : 'read-write', node.snapshot)
    recordsById.set(node.id, record)
    return record
  }
  return {
    name: 'the exact test',
    read(node, ranges) {
      const record = recordOf(node)
      record.reads.push({ ranges, snapshot: node.snapshot })
      if (!node.isDeclared) return true
      if (graph.findCycle(record) !== undefined) {
        record.reads.pop()
        return false
      }
      graph.count(record)
      return true
    },
    commit(node, sequence) {
      const record = recordOf(node)
      record.writes = node.writes
      if (graph.findCycle(record) !== undefined) return false
      record.commit = node.writes.length > 0 ? sequence : undefined
      graph.count(record)
      return true
    },
    ended: (node) => recordsById.delete(node.id),
  }
}
