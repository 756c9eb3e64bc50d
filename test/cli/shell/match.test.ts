/** How what a script says is compared with what came, also against a matcher that tries everything. */
import { isMatch, matchLines } from '../../../src/cli/shell/match'

describe('a line', () => {
  test.each([
    ['committed at ...', 'committed at 12', true],
    ['...', '', true],
    ['a...c', 'abc', true],
    ['a...c', 'ac', true],
    ['a...a', 'a', false],
    ['a...b...c', 'a b b c', true],
    ['a...b...c', 'a c b', false],
    ['...b', 'ab', true],
    ['...b', 'abc', false],
    ['ab', 'abc', false],
    ['', '', true],
  ])('%j against %j: %s', (pattern, line, isExpected) => {
    expect(isMatch(pattern, line)).toBe(isExpected)
  })
})

describe('lines', () => {
  test('are compared one by one, and the first difference is said', () => {
    expect(matchLines(['a', 'b'], ['a', 'b'])).toBeUndefined()
    expect(matchLines(['a', 'b'], ['a', 'c'])).toBe('it printed: c - and not: b')
    expect(matchLines(['a', 'b'], ['a'])).toBe('it did not print: b')
    expect(matchLines(['a'], ['a', 'b'])).toBe('it also printed: b')
  })

  test('may be left out by lone dots', () => {
    expect(matchLines(['a', '...'], ['a'])).toBeUndefined()
    expect(matchLines(['a', '...'], ['a', 'b', 'c'])).toBeUndefined()
    expect(matchLines(['...', 'c'], ['a', 'c', 'b', 'c'])).toBeUndefined()
    expect(matchLines(['a', '...', 'c'], ['a', 'b'])).toBe('it did not print: c')
    expect(matchLines(['...'], [])).toBeUndefined()
  })

  test('are as expected where a matcher that tries everything says so: all of up to four patterns and lines', () => {
    const patterns = listsOf(['a', 'b', '...'], 4)
    const texts = listsOf(['a', 'b'], 4)
    let matches = 0
    for (const expected of patterns) {
      for (const lines of texts) {
        const isSame = tryAll(expected, lines)
        if ((matchLines(expected, lines) === undefined) !== isSame)
          throw new Error(`${expected.join()} / ${lines.join()}`)
        if (isSame) matches++
      }
    }
    expect(matches).toBeGreaterThan(500)
  })
})

function tryAll(expected: readonly string[], lines: readonly string[]): boolean {
  const [pattern, ...rest] = expected
  if (pattern === undefined) return lines.length === 0
  if (pattern !== '...') return lines[0] === pattern && tryAll(rest, lines.slice(1))
  return lines.some((_, index) => tryAll(rest, lines.slice(index))) || tryAll(rest, [])
}

function listsOf(items: readonly string[], most: number): string[][] {
  if (most === 0) return [[]]
  const shorter = listsOf(items, most - 1)
  const longest = shorter.filter((list) => list.length === most - 1)
  return [...shorter, ...longest.flatMap((list) => items.map((item) => [...list, item]))]
}
