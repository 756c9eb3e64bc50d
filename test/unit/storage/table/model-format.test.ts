import { readFileSync } from 'node:fs'
import path from 'node:path'
import { CorruptionError } from '../../../../src/base/errors'
import { fitModel } from '../../../../src/learned/fit-model'
import { decodeModel, encodeModel } from '../../../../src/storage/table/model-format'
import { numberSets, questionsFor } from '../../learned/number-sets'
import { place } from './index-world'

const decode = (payload: Buffer, blocks: number) =>
  decodeModel(payload, place, { blocks, counters: { hits: 0, fallbacks: 0 } })

describe('a model on disk', () => {
  it('reads back as the model that was written', () => {
    for (const [name, numbers] of numberSets(3000)) {
      const model = fitModel(numbers, 8)
      const read = decode(encodeModel({ model, errorMax: 8 }), numbers.length)
      expect({ name, errorMax: read.errorMax, parts: read.model.parts }).toEqual({ name, errorMax: 8, parts: model.parts }) // prettier-ignore
      for (const question of questionsFor(numbers, 5).slice(0, 500)) {
        expect(read.model.predict(question)).toBe(model.predict(question))
      }
    }
  })

  it('is the worked example of docs/FORMATS.md, byte for byte', () => {
    const page = readFileSync(path.join(__dirname, '../../../../docs/FORMATS.md'), 'utf8')
    const [, example] = /<!-- example: model, 84 bytes -->\n```text\n([^`]*)```/.exec(page)!
    const hex = [...example!.matchAll(/^ {2}[0-9a-f]{4} {2}((?:[0-9a-f]{2} ?)+)/gm)].map(([, bytes]) => bytes!)
    const payload = encodeModel({ model: fitModel(Float64Array.of(10, 20, 30, 40, 50, 60), 8), errorMax: 8 })
    expect(hex.join('').replaceAll(' ', '')).toBe(payload.toString('hex'))
  })

  it('whose lengths or levels do not fit is refused', () => {
    const numbers = numberSets(3000).get('exponential gaps, many')!
    const payload = encodeModel({ model: fitModel(numbers, 1), errorMax: 1 })
    const levels = payload.readUInt16LE(6)
    expect(levels).toBeGreaterThan(1)
    const refused = (change: (copy: Buffer) => void): void => {
      const copy = Buffer.from(payload)
      change(copy)
      expect(() => decode(copy, numbers.length)).toThrow(CorruptionError)
    }
    expect(() => decode(payload, numbers.length + 1)).toThrow(CorruptionError)
    expect(() => decode(payload.subarray(0, 8), numbers.length)).toThrow(CorruptionError)
    expect(() => decode(payload.subarray(0, 18), numbers.length)).toThrow(CorruptionError)
    expect(() => decode(payload.subarray(0, payload.length - 4), numbers.length)).toThrow(CorruptionError)
    expect(() => decode(Buffer.concat([payload, Buffer.alloc(4)]), numbers.length)).toThrow(CorruptionError)
    refused((copy) => copy.writeUInt32LE(0, 0))
    refused((copy) => copy.writeUInt16LE(0, 6))
    refused((copy) => copy.writeUInt16LE(levels - 1, 6))
    refused((copy) => copy.writeUInt16LE(0xffff, 6))
    refused((copy) => copy.writeUInt32LE(0, 16))
    refused((copy) => copy.writeUInt32LE(0xffff_ffff, 16))
    refused((copy) => copy.writeUInt32LE(1, 16))
  })
})
