/** How a line is taken apart into words. */
import { splitWords } from '../../../src/cli/shell/words'

const wordsOf = (line: string): string[] => splitWords(line).map(({ text }) => text)

test.each([
  ['put  a\tb ', ['put', 'a', 'b']],
  ['put "a b" c', ['put', '"a b"', 'c']],
  ['scan --from="a b" --to=c', ['scan', '--from="a b"', '--to=c']],
  [String.raw`put "a\" b" "\\" c`, ['put', String.raw`"a\" b"`, String.raw`"\\"`, 'c']],
  ['get a # what it was', ['get', 'a']],
  ['get a#b "#c"', ['get', 'a#b', '"#c"']],
  ['get "a b', ['get', '"a b']],
  [String.raw`get "a\ `, ['get', String.raw`"a\ `]],
  ['get a\r', ['get', 'a']],
  ['', []],
  ['   # nothing', []],
])('%s', (line, words) => {
  expect(wordsOf(line)).toEqual(words)
})

test('each word knows its place', () => {
  expect(splitWords(' ab "c d"')).toEqual([
    { text: 'ab', start: 1, end: 3 },
    { text: '"c d"', start: 4, end: 9 },
  ])
})
