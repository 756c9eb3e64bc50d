/**
 * Bits of a small database flipped, one at a time: never a wrong answer. A sample; each of them: bit-flip-campaign.ts.
 */
import type { FlipImage } from './bit-flip'
import { flipAndVerify, verifyImage } from './verify-flip'
import { ENDINGS, countOutcome, flipAndJudge, flipPlaces, makeFlipImage } from './bit-flip'

describe.each(ENDINGS)('a database that was %s, a bit of it flipped', (ending) => {
  let image: FlipImage
  beforeAll(async () => {
    image = await makeFlipImage(ending)
  })

  test.each([
    ['reading', 'a sample of the bits that were written', 151, true],
    ['reading', 'a sample of all bits', 3001, false],
    ['everyday', 'a sample of the bits that were written', 401, true],
    ['everyday', 'a sample of all bits', 6007, false],
  ] as const)(
    'gives the right answer or a typed error, opened for %s: %s',
    async (opening, _what, stride, isWritten) => {
      const counts = new Map<string, number>()
      for (const place of flipPlaces(image, stride, isWritten))
        countOutcome(counts, place, await flipAndJudge(image, place, opening))
      expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(50)
      // The sample has met damage of the log, of the manifest and of tables, and each of it was found.
      const found = [...counts.keys()]
        .filter((name) => /: re/.test(name))
        .map((name) => name.slice(0, name.indexOf(':')))
      if (isWritten) expect(found).toEqual(expect.arrayContaining(['log', 'manifest', 'table']))
    },
  )

  test.each([
    ['a sample of the bits that were written', 211, true],
    ['a sample of all bits', 4001, false],
  ] as const)('is found by verification: %s', async (_what, stride, isWritten) => {
    const before = await verifyImage(image)
    expect(before.damages).toEqual([])
    const counts = new Map<string, number>()
    for (const place of flipPlaces(image, stride, isWritten))
      countOutcome(counts, place, await flipAndVerify(image, before, place))
    expect([...counts].filter(([name]) => name.endsWith('damage')).length).toBeGreaterThan(isWritten ? 2 : 1)
  })

  test('each bit of CURRENT is refused, each byte of LOCK means nothing', async () => {
    for (const place of flipPlaces(image, 1)) {
      if (place.file === 'CURRENT') expect(await flipAndJudge(image, place, 'reading')).toBe('refused')
      if (place.file === 'LOCK' && place.bit === 0)
        expect(await flipAndJudge(image, place, 'reading')).toBe('as it was')
    }
  })
})

describe('the judge of flips', () => {
  test('takes another value for a wrong answer', async () => {
    const image = await makeFlipImage('closed')
    const rows = image.rowsBySequence.get(image.lastSequence)!
    const place = { file: 'LOCK', offset: 0, bit: 0 }
    const other = (changed: readonly string[]): FlipImage => {
      return { ...image, rowsBySequence: new Map([[image.lastSequence, changed]]) }
    }
    expect(await flipAndJudge(other(rows), place, 'reading')).toBe('as it was')
    const wrong = [[...rows.slice(1)], [...rows, 'z='], rows.map((row) => (row === 'empty=' ? 'empty=1' : row))]
    for (const changed of wrong)
      await expect(flipAndJudge(other(changed), place, 'reading')).rejects.toThrow(/the scan (gives|ends)/)
  })

  test('takes a lost last group for a wrong answer where there was a witness', async () => {
    const image = await makeFlipImage('killed, unwitnessed')
    const { torn } = image
    const place = { file: torn!.file, offset: torn!.from + 10, bit: 3 }
    expect(await flipAndJudge(image, place, 'everyday')).toBe('last group lost')
    await expect(flipAndJudge({ ...image, torn: undefined }, place, 'everyday')).rejects.toThrow(/was promised/)
  })
})
