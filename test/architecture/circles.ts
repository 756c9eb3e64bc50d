/**
 * Circles of imports, types counted: lint's `no-cycle` does not see those that consist of types.
 *
 * Two files lie on a common circle exactly if they are in one strongly connected component of the import graph (Tarjan
 * 1972), so each component of more than one file, and each file that imports itself, is reported once.
 */

/** The groups of files that import each other in a circle, each in order of path. */
export function findCircles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const stack: string[] = []
  const circles: string[][] = []

  const visit = (file: string): void => {
    const own = order.size
    order.set(file, own)
    lowest.set(file, own)
    stack.push(file)
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) {
        visit(next)
        lowest.set(file, Math.min(lowest.get(file)!, lowest.get(next)!))
      } else if (stack.includes(next)) {
        lowest.set(file, Math.min(lowest.get(file)!, order.get(next)!))
      }
    }
    if (lowest.get(file) !== own) return
    const component = stack.splice(stack.indexOf(file))
    if (component.length > 1 || graph.get(file)?.includes(file) === true) circles.push(component.sort())
  }

  for (const file of graph.keys()) if (!order.has(file)) visit(file)
  return circles.sort((a, b) => (a[0]! < b[0]! ? -1 : 1))
}
