/** The catalogue of cases, and the order in which rounds go through it. */
import { CASES, caseNamed, selectCases } from '../../../bench/support/catalogue'
import { rotated } from '../../../bench/support/conductor'

const names = (only: string[]): string[] => selectCases(only).map(({ name }) => name)

test('names are unique, and every limit is a case', () => {
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length)
  for (const { limit } of CASES) if (limit !== undefined) expect(caseNamed(limit).name).toBe(limit)
})

test('without a choice everything is measured', () => {
  expect(names([])).toEqual(CASES.map(({ name }) => name))
})

test('a case is chosen by name, by the beginning of its name, and by its process', () => {
  expect(names(['durable-16'])).toEqual(['durable-16'])
  expect(names(['raw'])).toEqual(['raw-thread', 'raw-inline', 'raw-pool'])
  expect(names(['load'])).toEqual(['load'])
})

test('a limit is measured with what is shown beside it', () => {
  expect(names(['scan-pages'])).toEqual(['limit-scan-pages', 'scan-pages'])
})

test('a name that no case has is refused', () => {
  expect(() => selectCases(['durable-16', 'durable-17'])).toThrow('"durable-17"')
})

test('each round begins with another case and leaves none out', () => {
  expect([0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round).join(''))).toEqual(['abc', 'bca', 'cab', 'abc'])
  expect(rotated([], 5)).toEqual([])
})

test('another list of cases is chosen from in the same way', () => {
  const all = [
    { name: 'lmdb-get', process: 'lmdb', title: 'gets', unit: 'reads/s' },
    { name: 'sqlite-get', process: 'sqlite', title: 'gets', unit: 'reads/s' },
  ]
  expect(selectCases(['lmdb'], all)).toEqual([all[0]])
  expect(() => selectCases(['durable-16'], all)).toThrow('"durable-16"')
})
