/**
 * Options are refused by name and by kind, with advice that can be followed.
 */
import { InvalidArgumentError } from '../../../src/base/errors'
import {
  checkBoolean, checkFunction, checkInteger, checkLabel, checkOneOf, checkOptions, checkTimeout,
} from '../../../src/kv/options' // prettier-ignore

const KNOWN = ['timeoutMs', 'signal', 'label', 'readOnly']

describe('option objects', () => {
  test('no options at all are no options', () => {
    expect(() => checkOptions(undefined, KNOWN, 'transact')).not.toThrow()
    expect(() => checkOptions({}, KNOWN, 'transact')).not.toThrow()
    expect(() => checkOptions({ label: 'a', readOnly: true }, KNOWN, 'transact')).not.toThrow()
  })

  test.each([
    ['null', null],
    ['an array', []],
    ['a number', 3],
    ['a string', 'label'],
    ['true', true],
  ])('%s is no options object', (_, given) =>
    expect(() => checkOptions(given, KNOWN, 'transact')).toThrow(InvalidArgumentError),
  )

  test.each([
    ['timeoutMS', 'timeoutMs'],
    ['timeout', 'timeoutMs'],
    ['readonly', 'readOnly'],
    ['lable', 'label'],
  ])('"%s" is refused, and "%s" proposed', (wrong, right) => {
    expect(() => checkOptions({ [wrong]: 1 }, KNOWN, 'transact')).toThrow(
      `Cannot use the option "${wrong}" of transact: there is none of that name; did you mean "${right}"?`,
    )
  })

  test('a name near nothing gets the list of what is known', () => {
    expect(() => checkOptions({ xyzzy: 1 }, KNOWN, 'begin')).toThrow('known are timeoutMs, signal, label, readOnly')
  })
})

describe('values of options', () => {
  test.each([0, 1, 'true', null])('%p is not true or false', (value) => {
    expect(() => checkBoolean(value, 'readOnly')).toThrow(/as readOnly: it must be true or false/)
  })

  test.each(['SYNC', '', 1, null])('%p is none of the words', (value) => {
    expect(() => checkOneOf(value, ['sync', 'os'], 'durability')).toThrow(/as durability: it must be 'sync' or 'os'/)
  })

  test.each([0, 11, 1.5, NaN, Infinity, '3', null])('%p is no integer from 1 to 10', (value) => {
    expect(() => checkInteger(value, 1, 10, 'attemptsMax')).toThrow(
      /as attemptsMax: it must be an integer from 1 to 10/,
    )
  })

  test.each([0, -1, NaN, Infinity, 2 ** 31, '1', null])('%p is no time budget', (value) => {
    expect(() => checkTimeout(value)).toThrow(/as timeoutMs: it must be a number of milliseconds/)
  })

  test('a label is a short string', () => {
    expect(() => checkLabel(5, 10)).toThrow('Cannot use number 5 as label: it must be a string')
    expect(() => checkLabel('x'.repeat(11), 10)).toThrow(/label of 11 characters: labelCharsMax is 10/)
    expect(() => checkLabel('x'.repeat(10), 10)).not.toThrow()
  })

  test('left out, each value is right', () => {
    for (const check of [checkBoolean, checkTimeout]) expect(() => check(undefined, 'any')).not.toThrow()
    expect(() => checkOneOf(undefined, ['a'], 'any')).not.toThrow()
    expect(() => checkInteger(undefined, 1, 2, 'any')).not.toThrow()
    expect(() => checkLabel(undefined, 1)).not.toThrow()
  })

  test('a function must be there', () => {
    expect(() => checkFunction(undefined, 'fn', 'transact')).toThrow('as fn of transact: it must be a function')
    expect(() => checkFunction(() => 1, 'fn', 'transact')).not.toThrow()
  })
})
