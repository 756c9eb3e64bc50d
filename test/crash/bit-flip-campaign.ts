/**
 * Every bit of a small database flipped, one at a time: a database that was closed, and two that were killed. An hour or more.
 *
 *   npx ts-node test/crash/bit-flip-campaign.ts [--stride 1] [--everydayStride 7] [--verifyStride 1] [--only closed]
 *
 * Opened for reading at every bit, and in the everyday way, twice, at every seventh; and verified at every bit. Ends with exit code 1 and
 * the bit at the first wrong answer, or at the first flip that verification does not find.
 */
import { parseArgs } from 'node:util'
import type { FlipImage, FlipOpening } from './bit-flip'
import { ENDINGS, countOutcome, flipAndJudge, flipPlaces, makeFlipImage } from './bit-flip'
import { flipAndVerify, verifyImage } from './verify-flip'

async function verifyEach(image: FlipImage, stride: number): Promise<void> {
  const before = await verifyImage(image)
  const counts = new Map<string, number>()
  let cases = 0
  for (const place of flipPlaces(image, stride)) {
    countOutcome(counts, place, await flipAndVerify(image, before, place))
    cases++
  }
  console.log(`  verified: ${cases} bits, none missed`)
  print(counts)
}

function print(counts: ReadonlyMap<string, number>): void {
  for (const [name, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`    ${name}: ${count}`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      stride: { type: 'string', default: '1' },
      everydayStride: { type: 'string', default: '7' },
      verifyStride: { type: 'string', default: '1' },
      only: { type: 'string' },
    },
  })
  const ways: readonly (readonly [FlipOpening, number])[] = [
    ['reading', Number(values.stride)],
    ['everyday', Number(values.everydayStride)],
  ]
  for (const ending of ENDINGS) {
    if (values.only !== undefined && values.only !== ending) continue
    const image = await makeFlipImage(ending)
    const sizes = [...image.disk.files].map(([file, bytes]) => `${file} ${bytes.length}`)
    console.log(`${ending}: ${sizes.join(', ')}`)
    for (const [opening, stride] of ways) {
      const counts = new Map<string, number>()
      let cases = 0
      for (const place of flipPlaces(image, stride)) {
        countOutcome(counts, place, await flipAndJudge(image, place, opening))
        cases++
      }
      console.log(`  ${opening}: ${cases} bits, no wrong answer`)
      print(counts)
    }
    await verifyEach(image, Number(values.verifyStride))
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
