/** The options of the benchmark's command line. */
import { parseLargeOptions, parseOpenLoopOptions } from '../../../bench/support/long-options'
import { parseOptions } from '../../../bench/support/options'

test('without options, five rounds over a million rows', () => {
  expect(parseOptions([])).toMatchObject({ rounds: 5, rows: 1_000_000, only: [], markdown: false })
})

test('--quick is small, and what is given beside it counts', () => {
  const quick = parseOptions(['--quick', '--rounds', '3'])
  expect(quick).toMatchObject({ rounds: 3, rows: 100_000 })
  expect(quick.sampleMs).toBeLessThan(parseOptions([]).sampleMs)
})

test('the warm-up is never longer than a sample', () => {
  expect(parseOptions(['--sample-ms', '50']).warmUpMs).toBe(50)
})

test('--only may be repeated', () => {
  expect(parseOptions(['--only', 'raw', '--only', 'reads']).only).toEqual(['raw', 'reads'])
})

test.each(['0', '-1', '1.5', 'many', ''])('--rounds %p is refused', (text) => {
  expect(() => parseOptions([`--rounds=${text}`])).toThrow('--rounds')
})

test('an option that does not exist is refused', () => {
  expect(() => parseOptions(['--round', '3'])).toThrow('--round')
})

test('bench:large loads ten million rows, --quick a hundred thousand, --rows as many as it says', () => {
  const rows = (...argv: string[]): number => parseLargeOptions(argv).rows
  expect([rows(), rows('--quick'), rows('--quick', '--rows', '7')]).toEqual([10_000_000, 100_000, 7])
})

test('bench:open-loop runs for half an hour at 70 %, durably', () => {
  expect(parseOpenLoopOptions([])).toMatchObject({ minutes: 30, share: 0.7, durability: 'sync', rows: 1_000_000 })
  expect(parseOpenLoopOptions(['--minutes', '0.5', '--durability', 'os'])).toMatchObject({ minutes: 0.5, durability: 'os' }) // prettier-ignore
})

test.each([
  ['--minutes', '0'],
  ['--share', 'much'],
  ['--capacity-seconds', '-1'],
  ['--durability', 'none'],
])('%s %s is refused', (name, text) => {
  expect(() => parseOpenLoopOptions([`${name}=${text}`])).toThrow(name)
})
