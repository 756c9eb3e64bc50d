/** The layer table holds for every import under src, and the check can fail. */
import table from '../../config/layers.json'
import { findLayerViolations, findTableDefects, type LayerTable } from './layers'
import { importsOf, readTree, resolveImport, type Tree } from './source-files'

const small: LayerTable = {
  layers: [
    { path: 'base', mayImport: [], packages: [], what: '' },
    { path: 'runtime', mayImport: ['base'], packages: [], what: '' },
    { path: 'runtime/node', mayImport: ['base', 'runtime'], packages: ['node:*'], what: '' },
    { path: 'storage', mayImport: ['base', 'runtime'], packages: ['sorted-btree'], what: '' },
    { path: 'mvcc', mayImport: ['base', 'storage/engine.ts'], packages: [], what: '' },
    { path: 'open.ts', mayImport: ['base', 'runtime', 'runtime/node', 'storage', 'mvcc'], packages: [], what: '' },
  ],
  exceptions: [{ path: 'base/checksum.ts', packages: ['node:zlib'], reason: 'a pure function of its bytes' }],
}

const files: Tree = new Map([
  ['src/base/bytes.ts', ''],
  ['src/base/checksum.ts', `import { crc32 } from 'node:zlib'`],
  ['src/runtime/runtime.ts', ''],
  ['src/runtime/node/files.ts', `import type { Runtime } from '../runtime'\nimport fs from 'fs'`],
  ['src/storage/engine.ts', ''],
  ['src/storage/store.ts', `import BTree from 'sorted-btree'\nimport './engine'`],
  ['src/mvcc/graph.ts', `import type { Engine } from '../storage/engine'`],
  ['src/open.ts', `import './runtime/node/files'\nimport './storage/store'`],
])

/** What the check says about one more file. */
function violationsWith(file: string, text: string): string[] {
  return findLayerViolations(new Map([...files, [file, text]]), small)
}

describe('the layers', () => {
  test('every import under src is allowed by the layer table', () => {
    expect(findLayerViolations(readTree('src', '.ts'), table)).toEqual([])
  })

  test('the layer table has no unknown layer, no circle and no exception without a reason', () => {
    expect(findTableDefects(table)).toEqual([])
  })

  test('there are sources to check', () => {
    expect(readTree('src', '.ts').size).toBeGreaterThan(5)
  })
})

describe('the check of the layers', () => {
  test('accepts a tree that keeps to its table', () => {
    expect(findLayerViolations(files, small)).toEqual([])
  })

  test.each([
    ['an import upwards', 'src/base/a.ts', `import { x } from '../storage/store'`],
    ['a type import upwards', 'src/base/a.ts', `import type { X } from '../storage/store'`],
    ['an import() type', 'src/base/a.ts', `export type X = import('../storage/store').X`],
    ['an import() expression', 'src/base/a.ts', `export const x = import('../storage/store')`],
    ['a re-export', 'src/base/a.ts', `export type { X } from '../storage/store'`],
    ['a require call', 'src/base/a.ts', `const x = require('../storage/store')`],
    ['a file beside the one that is open to the layer', 'src/mvcc/a.ts', `import '../storage/store'`],
    ['the inner layer where only the outer one is listed', 'src/storage/a.ts', `import '../runtime/node/files'`],
    ['the inner layer from the outer one', 'src/runtime/a.ts', `import './node/files'`],
    ['a composition root', 'src/storage/a.ts', `import '../open'`],
    ['a built-in module', 'src/storage/a.ts', `import fs from 'node:fs'`],
    ['a built-in module without its prefix', 'src/storage/a.ts', `import fs from 'fs'`],
    ['a subpath of a built-in module', 'src/storage/a.ts', `import fs from 'fs/promises'`],
    ['an exception of another file', 'src/base/a.ts', `import { crc32 } from 'node:zlib'`],
    ['a package of another layer', 'src/mvcc/a.ts', `import BTree from 'sorted-btree'`],
    ['a file that does not exist', 'src/base/a.ts', `import './nowhere'`],
    ['a file outside src', 'src/base/a.ts', `import '../../test/helper'`],
  ])('refuses %s', (_what, file, text) => {
    expect(violationsWith(file, text)).toEqual([expect.stringContaining(`${file}:1 imports`)])
  })

  test('refuses a file in no layer', () => {
    expect(violationsWith('src/extra/a.ts', '')).toEqual(['src/extra/a.ts belongs to no layer'])
  })

  test('finds defects of the table itself', () => {
    const bad: LayerTable = {
      layers: [
        { path: 'a', mayImport: ['b'], packages: [], what: '' },
        { path: 'b', mayImport: ['a', 'nowhere'], packages: [], what: '' },
        { path: 'b', mayImport: [], packages: [], what: '' },
      ],
      exceptions: [{ path: 'c', packages: [], reason: 'because' }],
    }
    expect(findTableDefects(bad)).toEqual([
      'b has two rows',
      'a may import itself in a circle',
      'b may import itself in a circle',
      'b may import itself in a circle',
      'b may import nowhere, which no row covers',
      'c is excepted without a reason',
      'c is excepted but belongs to no layer',
    ])
  })
})

describe('the reading of imports', () => {
  test('finds every form with its line and nothing in comments or strings', () => {
    const text = [
      `import a from './a'`,
      `import type { B } from './b'`,
      `export { c } from './c'`,
      `type D = import('./d').D`,
      `const e = () => import('./e')`,
      `import f = require('./f')`,
      `// import x from './x'`,
      `const s = "import y from './y'"`,
    ].join('\n')
    expect(importsOf('src/x.ts', text)).toEqual(
      ['./a', './b', './c', './d', './e', './f'].map((specifier, index) => ({ specifier, line: index + 1 })),
    )
  })

  test('resolves files, folders with an index, and packages', () => {
    const tree: Tree = new Map([
      ['src/a/b.ts', ''],
      ['src/a/index.ts', ''],
    ])
    expect(resolveImport('src/c.ts', './a/b', tree)).toEqual({ kind: 'file', path: 'src/a/b.ts' })
    expect(resolveImport('src/c.ts', './a', tree)).toEqual({ kind: 'file', path: 'src/a/index.ts' })
    expect(resolveImport('src/a/b.ts', '../x', tree)).toEqual({ kind: 'missing' })
    expect(resolveImport('src/c.ts', 'node:fs', tree)).toEqual({ kind: 'package', name: 'node:fs' })
  })
})
