/** Sizes, headers and names of the source files, and that each check can fail. */
import { fileLinesMax, findBadFileNames, findBannedWords, findLongFiles, findMissingHeaders } from './shape'
import { readTree, type Tree } from './source-files'

const sources = readTree('src', '.ts')
const tests = readTree('test', '.ts')

/** A tree of one file. */
function treeOf(text: string, file = 'src/base/a.ts'): Tree {
  return new Map([[file, text]])
}

describe('the source files', () => {
  test('none under src or test is longer than 400 lines', () => {
    expect(findLongFiles(new Map([...sources, ...tests]))).toEqual([])
  })

  test('each under src begins with a header comment', () => {
    expect(findMissingHeaders(sources)).toEqual([])
  })

  test('each under src is named in kebab case', () => {
    expect(findBadFileNames(sources)).toEqual([])
  })

  test('none declares a name with a word that says nothing', () => {
    expect(findBannedWords(sources)).toEqual([])
  })
})

describe('the checks of shape', () => {
  test('400 lines pass and 401 do not, with or without a last line break', () => {
    expect(findLongFiles(treeOf('x\n'.repeat(fileLinesMax)))).toEqual([])
    expect(findLongFiles(treeOf('x\n'.repeat(fileLinesMax) + 'x'))).toHaveLength(1)
    expect(findLongFiles(treeOf('x\n'.repeat(fileLinesMax + 1)))).toHaveLength(1)
  })

  test.each([
    ['no comment at all', `import './b'\n`],
    ['a comment that comes later', `import './b'\n/** Turns one thing into another, and back again where it can. */\n`],
    ['a comment of a few characters', `/** Bytes. */\n`],
    ['a directive', `// eslint-disable-next-line no-control-regex -- the range is what is meant here\n`],
  ])('a file with %s has no header', (_what, text) => {
    expect(findMissingHeaders(treeOf(text))).toHaveLength(1)
  })

  test('a block and a line comment that begin the file are headers', () => {
    expect(
      findMissingHeaders(treeOf(`/**\n * Turns one thing into another, and back\n * again where it can.\n */\n`)),
    ).toEqual([])
    expect(findMissingHeaders(treeOf(`// Turns one thing into another, and back again where it can.\n`))).toEqual([])
  })

  test.each(['src/base/Bytes.ts', 'src/base/key_range.ts', 'src/Base/bytes.ts', 'src/base/bytes.format.ts'])(
    '%s is not kebab case',
    (file) => {
      expect(findBadFileNames(treeOf('', file))).toHaveLength(1)
    },
  )

  test.each([
    'class TransactionManager {}',
    'function keyHelper() {}',
    'const byteUtils = 1',
    'interface StoreImpl {}',
    'type X = { commitTimestamp: number }',
    'class A { readManager() {} }',
    'class A { #impl = 1 }',
  ])('a banned word is found in: %s', (text) => {
    expect(findBannedWords(treeOf(text))).toHaveLength(1)
  })

  test('a banned word is found in the name of a file', () => {
    expect(findBannedWords(treeOf('', 'src/base/bytes-util.ts'))).toHaveLength(1)
  })

  test('words that only contain a banned one, and names of others, are fine', () => {
    expect(
      findBannedWords(
        treeOf(`import { inspectUtil } from 'x'\nconst simple = inspectUtil.helper\nfunction implied() {}`),
      ),
    ).toEqual([])
  })
})
