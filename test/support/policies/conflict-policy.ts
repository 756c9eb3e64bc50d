/**
 * What the SSI baselines share: transactions that overlap in time, and the rw-conflicts between them.
 *
 * A conflict reader --rw--> writer is flagged as soon as both sides have happened, in whichever order: a reader meets the
 * writes, committed after its snapshot or not committed yet, of everyone concurrent; a writer meets the reads of everyone
 * concurrent. Reads outlive commit as long as a concurrent transaction runs. Concurrent writers of one key: the first
 * committer wins, as under the snapshot isolation that both systems build on (they make the second wait, which here would only
 * move the abort).
 */
import { setsOverlap } from '../oracle/intervals'
import type { Interval } from '../oracle/intervals'
import type { Policy, PolicyNode } from './policy-store'

/** A transaction as the rules see it. */
export interface ConflictNode<N extends ConflictNode<N>> {
  readonly node: PolicyNode
  /** Position among all ends, read-only ones included; Infinity while it runs. */
  committedAt: number
  /** The number of commits before its snapshot. */
  readonly begunAt: number
  /** Writers of what it read. */
  readonly outConflicts: Set<N>
  /** Readers of what it wrote. */
  readonly inConflicts: Set<N>
}

/** The rules of one system. Each gives false to refuse the transaction at hand. */
export interface ConflictRules<N extends ConflictNode<N>> {
  readonly name: string
  create(base: ConflictNode<N>): N
  /** `reader --rw--> writer` has just been flagged; `self` is the one at hand. */
  onConflict(reader: N, writer: N, self: N): boolean
  onCommit(self: N): boolean
  /** It has committed; `committedAt` is set. */
  onCommitted?(self: N): void
}

/** Why the last abort happened: measurements tell the two apart. */
export interface LastAbort {
  cause: 'rw' | 'ww'
}

/** A policy that flags conflicts and decides by `rules`. */
export function createConflictPolicy<N extends ConflictNode<N>>(
  rules: ConflictRules<N>,
  lastAbort: LastAbort = { cause: 'rw' },
): Policy {
  const nodesById = new Map<number, N>()
  /** Running ones, and committed ones that overlap a running one. */
  let relevant: N[] = []
  let commits = 0
  const areConcurrent = (a: N, b: N) => a.committedAt > b.begunAt && b.committedAt > a.begunAt
  const flag = (reader: N, writer: N, self: N): boolean => {
    if (reader.outConflicts.has(writer)) return true
    reader.outConflicts.add(writer)
    writer.inConflicts.add(reader)
    lastAbort.cause = 'rw'
    return rules.onConflict(reader, writer, self)
  }
  const others = (self: N) =>
    relevant.filter((other) => other !== self && isAlive(other.node) && areConcurrent(self, other))
  const selfOf = (node: PolicyNode): N => nodesById.get(node.id)!
  const forget = (): void => {
    const oldest = Math.min(
      commits,
      ...relevant.filter(({ node }) => node.state === 'active').map((one) => one.begunAt),
    )
    relevant = relevant.filter((one) => isAlive(one.node) && one.committedAt > oldest)
  }
  return {
    name: rules.name,
    begin(node) {
      const self = rules.create({
        node,
        committedAt: Infinity,
        begunAt: commits,
        outConflicts: new Set(),
        inConflicts: new Set(),
      })
      nodesById.set(node.id, self)
      relevant.push(self)
    },
    read(node, ranges) {
      const self = selfOf(node)
      return others(self).every((other) => !setsOverlap(other.node.writes, ranges) || flag(self, other, self))
    },
    write(node, range: Interval) {
      const self = selfOf(node)
      return others(self).every((other) => !setsOverlap(other.node.reads, [range]) || flag(other, self, self))
    },
    commit(node) {
      const self = selfOf(node)
      const lost = others(self).some(
        (other) => other.committedAt < Infinity && setsOverlap(other.node.writes, node.writes),
      )
      lastAbort.cause = lost ? 'ww' : 'rw'
      if (lost || !rules.onCommit(self)) return false
      self.committedAt = ++commits
      rules.onCommitted?.(self)
      return true
    },
    ended(node) {
      if (node.isDoomed) lastAbort.cause = 'rw'
      nodesById.delete(node.id)
      forget()
    },
  }
}

function isAlive(node: PolicyNode): boolean {
  return node.state !== 'aborted' && !node.isDoomed
}
