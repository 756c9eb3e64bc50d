/** The lines of a dump: what is written, what is read, and where a line is wrong. */
import {
  DumpChecksum, DumpLineError, checkDumpHeader, decodeDumpEnd, decodeDumpRow, encodeDumpEnd, encodeDumpHeader, encodeDumpRow,
} from '../../../src/kv/dump-format' // prettier-ignore

const bytes = (...values: number[]): Buffer => Buffer.from(values)

/** Why the row is refused, and in which column. */
function refusal(line: string): [string, number] | undefined {
  try {
    decodeDumpRow(line)
    return undefined
  } catch (error) {
    if (!(error instanceof DumpLineError)) throw error
    return [error.why, error.column]
  }
}

describe('a row', () => {
  test.each([
    ['text', 'alice', 'on call', '["alice","on call"]'],
    ['nothing', '', '', '["",""]'],
    ['quotes and backslashes', 'a"b', 'c\\d', '["a\\"b","c\\\\d"]'],
    ['letters of other languages', 'é', '日本', '["é","日本"]'],
  ])('of %s stands as text', (_what, key, value, line) => {
    expect(encodeDumpRow(Buffer.from(key), Buffer.from(value))).toBe(line)
    expect(decodeDumpRow(line)).toEqual([Buffer.from(key), Buffer.from(value)])
  })

  test('of other bytes stands in hexadecimal', () => {
    const line = encodeDumpRow(bytes(0, 0xff), Buffer.from('a\nb'))
    expect(line).toBe('[{"hex":"00ff"},{"hex":"610a62"}]')
    expect(decodeDumpRow(line)).toEqual([bytes(0, 0xff), Buffer.from('a\nb')])
  })

  test.each([
    ['[ "a" , "b" ]', 'a', 'b'],
    ['["\\u0061","\\n"]\r', 'a', '\n'],
    ['[{ "hex" : "6A" }, {"hex":""}]', 'j', ''],
    ['["a\\\\","\\\\\\""]', 'a\\', '\\"'],
  ])('may be spelt by another program as %s', (line, key, value) => {
    expect(decodeDumpRow(line)).toEqual([Buffer.from(key), Buffer.from(value)])
  })

  test.each([
    ['"a","b"', '[ must stand here', 1],
    ['[]', 'the key must stand here, as "text" or {"hex":"..."}', 2],
    ['["a"]', ', must stand here', 5],
    ['["a",]', 'the value must stand here, as "text" or {"hex":"..."}', 6],
    ['["a","b","c"]', '] must stand here', 9],
    ['["a","b"] 7', 'nothing may stand behind the row', 11],
    ['["a","b', 'the closing quote of the value is missing', 6],
    ['["a\\","b"]', ', must stand here', 8],
    ['["a\\q","b"]', 'the key is no valid JSON string', 2],
    ['["\\ud800","b"]', 'the key holds half of a surrogate pair, which stands for no bytes', 2],
    ['["a",{"hex":"0g"}]', 'the value must be hexadecimal digits, two a byte', 14],
    ['["a",{"hex":"001"}]', 'the value must be hexadecimal digits, two a byte', 16],
    ['["a",{"base64":"AA"}]', 'the only name that may stand here is "hex"', 7],
    ['["a",{"hex":"00","x":1}]', '} must stand here', 17],
    ['["a",{"hex":7}]', 'a string must stand here', 13],
    ['["a",null]', 'the value must stand here, as "text" or {"hex":"..."}', 6],
  ])('that reads %s is refused with its column', (line, why, column) => {
    expect(refusal(line)).toEqual([why, column])
  })
})

describe('the first line', () => {
  test('is read as it is written', () => {
    expect(() => checkDumpHeader(encodeDumpHeader(42))).not.toThrow()
    expect(() => checkDumpHeader('{"version":1,"format":"strictkv-dump"}')).not.toThrow()
  })

  test.each([
    ['', 'this is no dump'],
    ['["a","b"]', 'this is no dump'],
    ['{"format":"other","version":1}', 'this is no dump'],
    ['{"format":"strictkv-dump","version":2}', 'of version 2, and this program reads version 1'],
    ['{"format":"strictkv-dump"}', 'of version undefined'],
    ['null', 'this is no dump'],
  ])('that reads %s is refused', (line, why) => {
    expect(() => checkDumpHeader(line)).toThrow(why)
  })
})

describe('the last line', () => {
  test('is read as it is written, and without a checksum', () => {
    expect(decodeDumpEnd(encodeDumpEnd({ rows: 7, checksum: '00ab00cd' }))).toEqual({ rows: 7, checksum: '00ab00cd' })
    expect(decodeDumpEnd('{"rows":0}')).toEqual({ rows: 0, checksum: undefined })
  })

  test.each([
    '{}',
    '{"rows":-1}',
    '{"rows":1.5}',
    '{"rows":"1"}',
    'x',
    '{"rows":1,"checksum":7}',
    '{"rows":1,"checksum":"AB"}',
  ])('that reads %s is refused', (line) => {
    expect(() => decodeDumpEnd(line)).toThrow(DumpLineError)
  })
})

test('the checksum tells where a key ends and its value begins', () => {
  const of = (...rows: [string, string][]): string => {
    const checksum = new DumpChecksum()
    for (const [key, value] of rows) checksum.add(Buffer.from(key), Buffer.from(value))
    return checksum.digest()
  }
  expect(of()).toBe('00000000')
  expect(of(['ab', 'c'])).not.toBe(of(['a', 'bc']))
  expect(of(['a', 'b'], ['c', 'd'])).not.toBe(of(['c', 'd'], ['a', 'b']))
  expect(of(['a', 'b'])).toMatch(/^[0-9a-f]{8}$/)
})
