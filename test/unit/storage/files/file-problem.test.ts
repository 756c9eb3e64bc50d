import { CorruptionError, DAMAGE_ADVICE, IoError } from '../../../../src/base/errors'
import { InvariantError } from '../../../../src/base/assert'
import { corruptFile, problemOf, toProblem } from '../../../../src/storage/files/file-problem'
import { corrupt } from '../../../../src/storage/table/table-format'

const place = { offset: 12, length: 3 }

describe('a problem of a file', () => {
  it('says why, without the file, the place and the advice', () => {
    const path = '/some: place/0000000007.table'
    expect(toProblem(corrupt({ file: path, offset: 12 }, 'the checksum does not match'), path, place)).toMatchObject({
      ...place,
      what: 'the checksum does not match',
    })
    expect(problemOf(corruptFile(path, 4, 'it is short: 3 bytes'), path)).toBe('it is short: 3 bytes')
  })

  it('keeps a message that is of another form', () => {
    expect(problemOf(new CorruptionError('Something is wrong', 'a', 0), 'b')).toBe('Something is wrong')
  })

  it('is never made of a defect', () => {
    expect(() => toProblem(new InvariantError('two is one'), 'a', place)).toThrow(InvariantError)
  })

  it('is made of what a broken disk says, never of a refusal, which says nothing about the file', () => {
    const error = (code: string): IoError => new IoError(`Cannot open "a": ${code}`, 'open', 'a', Object.assign(new Error(code), { code })) // prettier-ignore
    expect(toProblem(error('EIO'), 'a', place)).toMatchObject({ ...place, what: 'EIO' })
    for (const code of ['EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOMEM']) {
      expect(() => toProblem(error(code), 'a', place)).toThrow(IoError)
    }
  })

  it('names the programs that find and save what is readable, once, also when it has come from a thread', () => {
    const error = corruptFile('/db/x', 9, 'it is damaged')
    expect(error).toMatchObject({ file: '/db/x', offset: 9 })
    expect(error.message).toBe(`Cannot read /db/x at byte 9: it is damaged; ${DAMAGE_ADVICE}`)
    expect(error.message).toContain('"strictkv verify"')
    expect(error.message).toContain('"strictkv salvage"')
    expect(new CorruptionError(error.message, '/db/x', 9).message).toBe(error.message)
  })
})
