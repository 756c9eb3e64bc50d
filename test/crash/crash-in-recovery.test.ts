/**
 * A crash, and then another one at every I/O call of the recovery from it: what is left recovers as if there had been one.
 *
 * First crashes are spread over the life of engine-scenario.ts; the second ones are tried at each call of `open`.
 */
import type { DurableImage } from '../support/memory-runtime/durable-image'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { Journal } from './engine-scenario'
import { Scenario, judgeImage, openAt, untilDoneOrCrashed } from './engine-scenario'

/** Every n-th call of the life is a first crash: about eight of them, in different parts of it. */
const STRIDE = 47

async function lifeUntil(at: number): Promise<{ image: DurableImage; journal: Journal; ended: boolean }> {
  const runtime = createMemoryRuntime({ seed: 1, inject: (call) => (call.index === at ? 'crash-after' : undefined) })
  const scenario = new Scenario(runtime)
  await untilDoneOrCrashed(scenario.run(), runtime)
  return { image: runtime.durableImage({ seed: at }), journal: scenario.journal, ended: !runtime.crashed }
}

/** Crashes at call `at` of opening `image`; the disk then, or undefined if opening had fewer calls. */
async function crashInOpening(image: DurableImage, at: number): Promise<DurableImage | undefined> {
  const runtime = createMemoryRuntime({
    files: image,
    inject: (call) => (call.index === at ? 'crash-before' : undefined),
  })
  const opened = openAt(runtime).then(() => undefined)
  await untilDoneOrCrashed(opened, runtime)
  return runtime.crashed ? runtime.durableImage({ seed: at }) : undefined
}

test('a crash at every I/O call of a recovery', async () => {
  let recoveries = 0
  for (let first = STRIDE; ; first += STRIDE) {
    const { image, journal, ended } = await lifeUntil(first)
    if (ended) break
    const known = await recoveredSequence(image)
    for (let second = 0; ; second++) {
      const left = await crashInOpening(image, second)
      if (left === undefined) break
      try {
        await judgeImage(left, journal, known)
      } catch (error) {
        throw new Error(`first crash at ${first}, second at ${second}: ${(error as Error).message}`, { cause: error })
      }
      recoveries++
    }
  }
  expect(recoveries).toBeGreaterThan(200)
})

/** What a recovery without a second crash finds: it may have shown that already, so nothing may take it back. */
async function recoveredSequence(image: DurableImage): Promise<number> {
  const engine = await openAt(createMemoryRuntime({ files: image }))
  const found = engine.recoveredSequence
  await engine.close()
  return found
}
