// Paths from the initial state that together take every edge of a state graph.
//
// The states are gone through breadth first. While one has an edge that no path has taken, a path goes there the shortest way and
// then on along untaken edges as long as one is near. What comes out depends on the graph alone.

/** Steps that a path may take along taken edges to reach an untaken one; and steps of a path. */
const LOOK_AHEAD = 2
const STEPS_MAX = 40

/** The paths, each as edge numbers. */
export function coverEdges({ states, edges }) {
  const outOf = states.map(() => [])
  edges.forEach(([from], edge) => outOf[from].push(edge))
  const wayTo = shortestWays(states.length, edges, outOf)
  const walk = { edges, outOf, isTaken: new Uint8Array(edges.length), next: new Uint32Array(states.length) }
  const paths = []
  for (let state = 0; state < states.length; state++) {
    while (untakenFrom(walk, state) !== undefined) paths.push(walkOn(walk, wayTo(state), state))
  }
  return paths
}

/** The first untaken edge out of a state. */
function untakenFrom({ outOf, isTaken, next }, state) {
  const out = outOf[state]
  while (next[state] < out.length && isTaken[out[next[state]]] === 1) next[state]++
  return out[next[state]]
}

function walkOn(walk, way, start) {
  const path = [...way]
  for (const edge of path) walk.isTaken[edge] = 1
  let state = start
  while (path.length < STEPS_MAX) {
    const ahead = nearestUntaken(walk, state)
    if (ahead === undefined) break
    for (const edge of ahead) {
      path.push(edge)
      walk.isTaken[edge] = 1
      state = walk.edges[edge][1]
    }
  }
  return path
}

/** The shortest way, of few steps, that ends with an untaken edge. */
function nearestUntaken(walk, state) {
  let ways = [{ state, way: [] }]
  for (let depth = 0; depth <= LOOK_AHEAD; depth++) {
    for (const one of ways) {
      const edge = untakenFrom(walk, one.state)
      if (edge !== undefined) return [...one.way, edge]
    }
    if (depth === LOOK_AHEAD) return undefined
    ways = ways.flatMap((one) =>
      walk.outOf[one.state].map((edge) => ({ state: walk.edges[edge][1], way: [...one.way, edge] })),
    )
  }
  return undefined
}

/** States are numbered breadth first, so the first edge into each comes from the nearest. */
export function shortestWays(count, edges, outOf) {
  const edgeInto = new Int32Array(count).fill(-1)
  for (let state = 0; state < count; state++) {
    for (const edge of outOf[state]) {
      const to = edges[edge][1]
      if (to !== 0 && edgeInto[to] < 0) edgeInto[to] = edge
    }
  }
  return (state) => {
    const way = []
    for (let at = state; at !== 0; at = edges[way.at(-1)][0]) way.push(edgeInto[at])
    return way.reverse()
  }
}
