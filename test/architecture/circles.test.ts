/** No file under src imports itself through others, type imports included, and the check can fail. */
import { findCircles } from './circles'
import { importGraph, readTree, type Tree } from './source-files'

test('no circle of imports under src, type imports included', () => {
  expect(findCircles(importGraph(readTree('src', '.ts')))).toEqual([])
})

test('a circle that consists of types is found', () => {
  const tree: Tree = new Map([
    ['src/a.ts', `import type { B } from './b'`],
    ['src/b.ts', `export type C = import('./c').C`],
    ['src/c.ts', `export type { A } from './a'`],
    ['src/d.ts', `import './a'`],
  ])
  expect(findCircles(importGraph(tree))).toEqual([['src/a.ts', 'src/b.ts', 'src/c.ts']])
})

test('a file that imports itself, and two circles apart, are found; a diamond is none', () => {
  const graph = new Map([
    ['self', ['self']],
    ['p', ['q']],
    ['q', ['p', 'top']],
    ['top', ['left', 'right']],
    ['left', ['bottom']],
    ['right', ['bottom']],
    ['bottom', []],
  ])
  expect(findCircles(graph)).toEqual([['p', 'q'], ['self']])
})
