/** Every `Pinned by` in the comments of the source names tests that exist, and the check can fail. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { findBrokenHeaderPins, headerPinsOf, pathsOf } from './header-pins'
import { readTree, repository } from './source-files'

const sources = readTree('src', '.ts')

describe('the headers of source files', () => {
  test('each names tests that exist where it says by what it is pinned', () => {
    expect(findBrokenHeaderPins(sources, (file) => existsSync(path.join(repository, file)))).toEqual([])
  })

  test('most of them say by what they are pinned', () => {
    const pinned = [...sources.values()].filter((text) => headerPinsOf(text).length > 0)
    expect(pinned.length).toBeGreaterThan(sources.size / 2)
  })
})

describe('the check of header pins', () => {
  const exists = (file: string): boolean => ['test/a/x.test.ts', 'test/a/y.test.ts', 'test/a'].includes(file)
  const check = (text: string): string[] => findBrokenHeaderPins(new Map([['src/base/a.ts', text]]), exists)

  test.each([
    ['a file', '/** Bytes. Pinned by test/a/x.test.ts. */'],
    ['a folder', '/** Pinned by test/a. And more. */'],
    ['several, over two lines', '/**\n * Pinned by test/a/x.test.ts,\n * y.test.ts and test/a ("x").\n */\n'],
    ['alternatives', '/** Pinned by test/a/{x,y}.test.ts. */'],
    ['words around it', '/** Pinned by schedule 6 of test/a and its kin: test/a/x.test.ts against a model. */'],
    ['a line comment', '// Pinned by test/a/x.test.ts.\n'],
    ['nothing at all', '/** Turns bytes into keys. */'],
  ])('accepts %s', (_what, text) => {
    expect(check(text)).toEqual([])
  })

  test.each([
    ['a file that does not exist', '/** Pinned by test/a/z.test.ts. */'],
    ['a second file that does not exist', '/** Pinned by test/a/x.test.ts and test/b. */'],
    ['a bare name that does not exist', '/** Pinned by test/a/x.test.ts, z.test.ts. */'],
    ['one of two alternatives', '/** Pinned by test/a/{x,z}.test.ts. */'],
    ['a folder that does not exist', '/** Pinned by test/c. */'],
    ['no path', '/** Pinned by the tests. */'],
    ['a second pin that is broken', '/** Pinned by test/a. */\n/** Pinned by test/b. */'],
  ])('refuses %s', (_what, text) => {
    expect(check(text)).toHaveLength(1)
  })

  test('takes paths apart as they are written', () => {
    expect(pathsOf('test/a/x.test.ts, y.test.ts and z of test/scripts ("it ..."), test/b/{c,d-e}.test.ts')).toEqual([
      'test/a/x.test.ts',
      'test/a/y.test.ts',
      'test/scripts',
      'test/b/c.test.ts',
      'test/b/d-e.test.ts',
    ])
  })
})
