/**
 * Makes one life of an engine (engine-scenario.ts) once per I/O call, with that call failing, and judges every one.
 *
 * The life is made once to count its calls. While it lives, the engine answers right or with a typed error; whatever the disk is left
 * as, each boot of it holds every acknowledged commit and is a prefix.
 */
import type { Injection, IoCall } from '../support/memory-runtime/io-calls'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../support/memory-runtime/memory-runtime'
import { STEPS, Scenario, judgeImage, untilDoneOrCrashed } from './engine-scenario'
import type { Step } from './engine-scenario'

/** Every call of the life of `steps` that `seed` orders fails once with `failure`. */
export async function failEveryCall(failure: Injection, seed: number, steps = STEPS): Promise<void> {
  const calls = await callsOfRun(seed, steps)
  expect(calls.length).toBeGreaterThan(100)
  for (const [at, call] of calls.entries()) {
    if (isBeyondRepair(call, failure)) continue
    try {
      await judge(await runWith(failure, { at, seed, steps }), at)
    } catch (error) {
      const where = `${failure} at I/O call ${at} of seed ${seed}, ${call.operation} ${call.path}`
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error })
    }
  }
}

async function callsOfRun(seed: number, steps: readonly Step[]): Promise<readonly IoCall[]> {
  const runtime = createMemoryRuntime({ seed })
  const scenario = new Scenario(runtime, steps)
  await untilDoneOrCrashed(scenario.run(), runtime)
  expect(scenario.errors).toEqual([])
  return runtime.calls
}

async function runWith(
  failure: Injection,
  { at, seed, steps }: { readonly at: number; readonly seed: number; readonly steps: readonly Step[] },
): Promise<{ scenario: Scenario; runtime: MemoryRuntime }> {
  const runtime = createMemoryRuntime({ seed, inject: (call) => (call.index === at ? failure : undefined) })
  const scenario = new Scenario(runtime, steps)
  await untilDoneOrCrashed(scenario.run(), runtime)
  return { scenario, runtime }
}

/** What no store can make good: both end before the store exists, the second with an error that asks for another path. */
function isBeyondRepair(call: IoCall, failure: Injection): boolean {
  // The kernel gave the lock and the call said that it did not: nobody knows of it until the process ends.
  if (call.operation === 'lock') return failure === 'EIO-after'
  // The name of the directory itself was given up by a sync that failed: no later one makes it durable.
  return call.operation === 'sync-directory' && call.path !== '/data/db' && !failure.startsWith('crash')
}

async function judge(
  { scenario, runtime }: { scenario: Scenario; runtime: MemoryRuntime },
  seed: number,
): Promise<void> {
  const { journal } = scenario
  await judgeImage(runtime.durableImage('everything'), journal, journal.published)
  await judgeImage(runtime.durableImage('synced-only'), journal, journal.durable)
  await judgeImage(runtime.durableImage({ seed }), journal, journal.durable)
}
