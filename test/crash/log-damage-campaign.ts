/**
 * The whole sweep over a log on a real directory: every byte opened for reading alone, every byte of header and payload (and
 * some of the padding) opened in the everyday way. Minutes.
 *
 *   npx ts-node test/crash/log-damage-campaign.ts [--groups 6] [--lastFrames 4] [--stride 1] [--paddingStride 64]
 */
import { parseArgs } from 'node:util'
import { makeImage } from './log-damage-image'
import type { SweepOptions } from './log-damage-sweep'
import { sweepCuts, sweepFlips, witnessedFrames } from './log-damage-sweep'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      groups: { type: 'string', default: '6' },
      lastFrames: { type: 'string', default: '4' },
      stride: { type: 'string', default: '1' },
      paddingStride: { type: 'string', default: '64' },
    },
  })
  const [groups, lastFrames, stride] = [Number(values.groups), Number(values.lastFrames), Number(values.stride)]
  const [opened, closed] = [await makeImage({ groups, close: false }), await makeImage({ groups, close: true })]
  const segments = new Set(opened.frames.map((frame) => frame.file)).size
  console.log(
    `copied while open: ${opened.frames.length} frames in ${segments} segments; closed: ${closed.frames.length}`,
  )
  const ways: readonly SweepOptions[] = [
    { opening: 'reading', contentStride: stride, paddingStride: stride },
    { opening: 'everyday', contentStride: stride, paddingStride: Number(values.paddingStride) },
  ]
  for (const way of ways) {
    const say = (what: string, places: number): void =>
      console.log(`${way.opening}: ${what}: ${places} places, 0 failures`)
    say('flips, copied while open', await sweepFlips(opened, witnessedFrames(opened, false), way))
    say('flips, after a clean close', await sweepFlips(closed, witnessedFrames(closed, true), way))
    say('cuts, the file ends there', await sweepCuts(opened, { ...way, lastFrames, form: 'truncated' }))
    say('cuts, zeros follow', await sweepCuts(opened, { ...way, lastFrames, form: 'zeros' }))
  }
}

void main()
