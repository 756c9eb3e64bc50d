/**
 * The black-box oracle: strict serializability from values and acknowledgements alone, for lists that are only appended to.
 *
 * Every append adds a unique element, so a list that was read tells the order of all its versions (the trick of Elle, Kingsbury
 * and Alvaro 2020). Edges: an element's writer before the next one's (ww), the writer of the last element read before its
 * reader (wr), a reader before the writer of the first element it did not see (rw), and whoever was acknowledged before
 * whoever began after that (real time). A cycle, a list that is no prefix of the final one, or an element of a transaction
 * that did not commit is an anomaly. It knows nothing of sequences, snapshots or the store.
 * Pinned by test/unit/oracle/value-checker.test.ts.
 */

/** One committed transaction as its client saw it. */
export interface ObservedTransaction {
  readonly name: string
  /** When begin was called and when the acknowledgement came back, on one counter. */
  readonly begun: number
  readonly ended: number
  /** For each key the list as first read, without its own appends. */
  readonly reads: ReadonlyMap<string, readonly string[]>
  /** Elements appended, by key. */
  readonly appends: ReadonlyMap<string, readonly string[]>
}

/** What is wrong with the history, as a sentence; undefined if some strict serial order explains it. */
export function findValueAnomaly(
  history: readonly ObservedTransaction[],
  finalLists: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  const writerByElement = new Map<string, number>()
  history.forEach(({ appends }, index) => {
    for (const elements of appends.values()) for (const element of elements) writerByElement.set(element, index)
  })
  for (const [key, list] of finalLists) {
    const stranger = list.find((element) => !writerByElement.has(element))
    if (stranger !== undefined) return `${key} holds ${stranger}, which nobody who committed has appended`
    if (new Set(list).size !== list.length) return `${key} holds an element twice: ${list.join(' ')}`
  }
  const lost = [...writerByElement].find(
    ([element]) => ![...finalLists.values()].some((list) => list.includes(element)),
  )
  if (lost !== undefined) return `${lost[0]} of ${history[lost[1]]!.name} was acknowledged and is nowhere`
  for (const { name, reads } of history) {
    for (const [key, list] of reads) {
      const whole = finalLists.get(key) ?? []
      if (list.some((element, i) => element !== whole[i])) {
        return `${name} read ${key} as ${list.join(' ')}, which is no beginning of ${whole.join(' ')}`
      }
    }
  }
  return findCycle(history, edgesOf(history, finalLists, writerByElement))
}

type Edges = Set<number>[]

/** Successors of each transaction, and after them of each point in time: `history.length + i` is the i-th end. */
function edgesOf(
  history: readonly ObservedTransaction[],
  finalLists: ReadonlyMap<string, readonly string[]>,
  writerByElement: ReadonlyMap<string, number>,
): Edges {
  const ends = history.map(({ ended }, index) => ({ ended, index })).sort((a, b) => a.ended - b.ended)
  const edges: Edges = Array.from({ length: history.length + ends.length }, () => new Set<number>())
  const connect = (from: number, to: number): void => {
    if (from !== to) edges[from]!.add(to)
  }
  for (const list of finalLists.values()) {
    for (let i = 1; i < list.length; i++) connect(writerByElement.get(list[i - 1]!)!, writerByElement.get(list[i]!)!)
  }
  history.forEach(({ reads, begun }, index) => {
    for (const [key, list] of reads) {
      const last = list.at(-1)
      if (last !== undefined) connect(writerByElement.get(last)!, index)
      const next = finalLists.get(key)?.[list.length]
      if (next !== undefined) connect(index, writerByElement.get(next)!)
    }
    // Real time runs along a chain of ends: the newest end before this begin comes before it, and all earlier ones with it.
    const before = countBelow(ends, begun)
    if (before > 0) connect(history.length + before - 1, index)
  })
  ends.forEach(({ index }, i) => {
    connect(index, history.length + i)
    if (i + 1 < ends.length) connect(history.length + i, history.length + i + 1)
  })
  return edges
}

function countBelow(ends: readonly { readonly ended: number }[], time: number): number {
  let low = 0
  let high = ends.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ends[middle]!.ended < time) low = middle + 1
    else high = middle
  }
  return low
}

/** Takes away whatever has no predecessor left; what remains holds a cycle. */
function findCycle(history: readonly ObservedTransaction[], edges: Edges): string | undefined {
  const predecessors = edges.map(() => 0)
  for (const successors of edges) for (const to of successors) predecessors[to]!++
  const free = predecessors.flatMap((count, node) => (count === 0 ? [node] : []))
  let left = edges.length
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    left--
    for (const to of edges[node]!) if (--predecessors[to]! === 0) free.push(to)
  }
  if (left === 0) return undefined
  // Whoever is left lies on a cycle or behind one: walking backwards among them must come round.
  const remaining = new Set(predecessors.flatMap((count, node) => (count > 0 ? [node] : [])))
  const walked: number[] = []
  let node = [...remaining][0]!
  while (!walked.includes(node)) {
    walked.unshift(node)
    node = [...remaining].find((from) => edges[from]!.has(walked[0]!))!
  }
  const cycle = walked.slice(0, walked.indexOf(node) + 1)
  return `a cycle: ${cycle.map((one) => history[one]?.name ?? 'real time').join(' -> ')}`
}
