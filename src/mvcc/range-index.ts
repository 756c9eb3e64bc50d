/**
 * An ordered set of half-open key ranges that answers "which of you hold this key" and "which of you overlap that range".
 *
 * A treap ordered by (start, insertion number), each node knowing the greatest end below it; expected O(log n) for insert,
 * remove and growth, O(log n + answers) for questions. Priorities come from a fixed xorshift, so that equal operations
 * build equal trees (the simulator compares traces).
 *
 *              [c,f) max z
 *             /           \
 *      [a,z) max z     [d,e) max e        a question for "k" never enters a subtree whose max is <= "k"
 *
 * Invariants: 1. starts ascend in order. 2. A parent's priority is at least its children's. 3. `maxEnd` is the greatest end
 * of the subtree (undefined: unbounded). Pinned by test/unit/mvcc/range-index.test.ts.
 */
import { assert } from '../base/assert'
import type { Key } from '../base/bytes'
import { compareEnds } from '../base/key-range'
import type { KeyRange } from '../base/key-range'

/** A range in the index with what it stands for. `end` grows only through `RangeIndex.extendEnd`. */
export interface RangeEntry<T> {
  readonly start: Key
  readonly end: Key | undefined
  readonly value: T
}

interface RangeNode<T> extends RangeEntry<T> {
  end: Key | undefined
  readonly ordinal: number
  readonly priority: number
  maxEnd: Key | undefined
  left: RangeNode<T> | undefined
  right: RangeNode<T> | undefined
  indexed: boolean
}

/** See the file's header. Ranges may be equal, nested, unbounded above; none may be empty. */
export class RangeIndex<T> {
  #root: RangeNode<T> | undefined = undefined
  #size = 0
  #ordinal = 0
  #seed = 0x9e3779b9

  get size(): number {
    return this.#size
  }

  /** Adds a range and returns its entry, the handle for growing and removing it. */
  insert(start: Key, end: Key | undefined, value: T): RangeEntry<T> {
    assert(end === undefined || start < end, 'an indexed range is not empty')
    const node: RangeNode<T> = {
      start,
      end,
      value,
      ordinal: ++this.#ordinal,
      priority: this.#nextPriority(),
      maxEnd: end,
      left: undefined,
      right: undefined,
      indexed: true,
    }
    this.#root = insertNode(this.#root, node)
    this.#size++
    return node
  }

  /** Whether the entry is still in the index. */
  has(entry: RangeEntry<T>): boolean {
    return (entry as RangeNode<T>).indexed
  }

  /** Takes an entry out. REQUIRES: it is in this index. */
  remove(entry: RangeEntry<T>): void {
    const node = entry as RangeNode<T>
    assert(node.indexed, 'a removed range was indexed')
    node.indexed = false
    this.#root = removeNode(this.#root, node)
    this.#size--
  }

  /** Moves the end of an entry up. REQUIRES: it is in this index and `end` is not below its end. */
  extendEnd(entry: RangeEntry<T>, end: Key | undefined): void {
    const target = entry as RangeNode<T>
    assert(target.indexed, 'a growing range is indexed')
    assert(compareEnds(target.end, end) <= 0, 'a growing range does not shrink')
    target.end = end
    for (let node = this.#root; node !== undefined;) {
      node.maxEnd = greaterEnd(node.maxEnd, end)
      if (node === target) return
      node = isBefore(target, node) ? node.left : node.right
    }
    assert(false, 'a growing range is found from the root')
  }

  /** Calls `visit` for every range that holds `key`. `visit` must not change the index. */
  stab(key: Key, visit: (value: T, entry: RangeEntry<T>) => void): void {
    if (this.#root !== undefined) stabNode(this.#root, key, visit)
  }

  /** Calls `visit` for every range that shares a key with `range`. `visit` must not change the index. */
  overlaps(range: KeyRange, visit: (value: T, entry: RangeEntry<T>) => void): void {
    if (this.#root !== undefined) overlapNode(this.#root, range, visit)
  }

  /** Throws `InvariantError` if invariants 1 to 3 do not hold. */
  checkInvariants(): void {
    const nodes: RangeNode<T>[] = []
    checkNode(this.#root, nodes)
    assert(nodes.length === this.#size, 'the size counts the ranges')
    for (let i = 1; i < nodes.length; i++) {
      const [before, after] = [nodes[i - 1], nodes[i]]
      assert(before !== undefined && after !== undefined && isBefore(before, after), 'ranges ascend by start')
    }
  }

  #nextPriority(): number {
    let x = this.#seed
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#seed = x
    return x >>> 0
  }
}

function isBefore<T>(a: RangeNode<T>, b: RangeNode<T>): boolean {
  return a.start < b.start || (a.start === b.start && a.ordinal < b.ordinal)
}

function greaterEnd(a: Key | undefined, b: Key | undefined): Key | undefined {
  if (a === undefined || b === undefined) return undefined
  return a > b ? a : b
}

function refreshMaxEnd<T>(node: RangeNode<T>): void {
  let maxEnd = node.end
  if (node.left !== undefined) maxEnd = greaterEnd(maxEnd, node.left.maxEnd)
  if (node.right !== undefined) maxEnd = greaterEnd(maxEnd, node.right.maxEnd)
  node.maxEnd = maxEnd
}

function insertNode<T>(root: RangeNode<T> | undefined, node: RangeNode<T>): RangeNode<T> {
  if (root === undefined) return node
  if (node.priority > root.priority) {
    const [left, right] = splitAt(root, node)
    node.left = left
    node.right = right
    refreshMaxEnd(node)
    return node
  }
  if (isBefore(node, root)) root.left = insertNode(root.left, node)
  else root.right = insertNode(root.right, node)
  refreshMaxEnd(root)
  return root
}

/** Splits a subtree into what lies before and after `pivot`. */
function splitAt<T>(
  root: RangeNode<T> | undefined,
  pivot: RangeNode<T>,
): [RangeNode<T> | undefined, RangeNode<T> | undefined] {
  if (root === undefined) return [undefined, undefined]
  if (isBefore(root, pivot)) {
    const [left, right] = splitAt(root.right, pivot)
    root.right = left
    refreshMaxEnd(root)
    return [root, right]
  }
  const [left, right] = splitAt(root.left, pivot)
  root.left = right
  refreshMaxEnd(root)
  return [left, root]
}

function removeNode<T>(root: RangeNode<T> | undefined, node: RangeNode<T>): RangeNode<T> | undefined {
  if (root === undefined) throw new Error('unreachable: a removed range is found from the root')
  if (root === node) return joinSubtrees(root.left, root.right)
  if (isBefore(node, root)) root.left = removeNode(root.left, node)
  else root.right = removeNode(root.right, node)
  refreshMaxEnd(root)
  return root
}

function joinSubtrees<T>(left: RangeNode<T> | undefined, right: RangeNode<T> | undefined): RangeNode<T> | undefined {
  if (left === undefined) return right
  if (right === undefined) return left
  if (left.priority > right.priority) {
    left.right = joinSubtrees(left.right, right)
    refreshMaxEnd(left)
    return left
  }
  right.left = joinSubtrees(left, right.left)
  refreshMaxEnd(right)
  return right
}

function stabNode<T>(node: RangeNode<T>, key: Key, visit: (value: T, entry: RangeEntry<T>) => void): void {
  if (node.maxEnd !== undefined && node.maxEnd <= key) return
  if (node.left !== undefined) stabNode(node.left, key, visit)
  if (node.start > key) return
  if (node.end === undefined || key < node.end) visit(node.value, node)
  if (node.right !== undefined) stabNode(node.right, key, visit)
}

function overlapNode<T>(node: RangeNode<T>, range: KeyRange, visit: (value: T, entry: RangeEntry<T>) => void): void {
  if (node.maxEnd !== undefined && node.maxEnd <= range.start) return
  if (node.left !== undefined) overlapNode(node.left, range, visit)
  if (range.end !== undefined && node.start >= range.end) return
  if (node.end === undefined || range.start < node.end) visit(node.value, node)
  if (node.right !== undefined) overlapNode(node.right, range, visit)
}

function checkNode<T>(node: RangeNode<T> | undefined, nodes: RangeNode<T>[]): void {
  if (node === undefined) return
  checkNode(node.left, nodes)
  nodes.push(node)
  checkNode(node.right, nodes)
  let maxEnd = node.end
  for (const child of [node.left, node.right]) {
    if (child === undefined) continue
    assert(child.priority <= node.priority, 'a parent has the greater priority')
    maxEnd = greaterEnd(maxEnd, child.maxEnd)
  }
  assert(node.indexed, 'an indexed range knows that it is indexed')
  assert(maxEnd === node.maxEnd, 'the greatest end of a subtree is right')
}
