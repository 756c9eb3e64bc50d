/** What the archive holds, and what installing it does: nothing but unpack. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { manifest, packPackage, repository, type PackedPackage } from './blank-project'

let packed: PackedPackage
beforeAll(() => {
  packed = packPackage()
})
afterAll(() => packed.remove())

test('the archive holds the build and the papers, no source and no test', () => {
  expect(packed.files).toEqual(
    expect.arrayContaining(['LICENSE', 'CHANGELOG.md', 'dist/index.js', 'dist/worker.js', 'dist/cli.js']),
  )
  const others = packed.files.filter(
    (file) => !/^(dist\/.+|LICENSE|README\.md|CHANGELOG\.md|package\.json)$/.test(file),
  )
  expect(others).toEqual([])
})

test('every file that package.json names is in the archive', () => {
  const { main, types, exports, bin } = manifest()
  const named = JSON.stringify([main, types, exports, bin ?? {}]).match(/\.\/[^"]+/g) ?? []
  expect(named.length).toBeGreaterThan(4)
  for (const file of named) expect(packed.files).toContain(file.slice(2))
})

test('installing runs no script', () => {
  const scripts = Object.keys(manifest()['scripts'] as object)
  expect(scripts.filter((name) => /^(pre|post)?(install|prepare|publish)$|^prepublishOnly$/.test(name))).toEqual([])
  expect(existsSync(path.join(repository, 'binding.gyp'))).toBe(false)
})

test('packing a fresh clone builds first, so that no archive is without its code', () => {
  expect((manifest()['scripts'] as Record<string, string>)['prepack']).toBe('npm run build --silent')
})

test('the licences of what is bundled are there', () => {
  const text = readFileSync(path.join(repository, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8')
  for (const name of ['p-queue', 'p-timeout', 'eventemitter3']) expect(text).toContain(`${name} `)
  expect(text).toContain('Permission is hereby granted')
})
