/**
 * An injected failure at every I/O call of a fixed run of commits, flushes, merges and reopenings.
 *
 * Method: the run is made once to count its calls; then once per call and kind of failure. While it lives, the engine answers right or
 * with a typed error; whatever the disk is left as, each boot of it holds every acknowledged commit and is a prefix.
 */
import type { Injection, IoCall } from '../support/memory-runtime/io-calls'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../support/memory-runtime/memory-runtime'
import { Scenario, judgeImage, untilDoneOrCrashed } from './engine-scenario'

const FAILURES: readonly Injection[] = ['EIO', 'ENOSPC', 'EIO-after', 'short-write', 'crash-before', 'crash-after']

async function callsOfRun(): Promise<readonly IoCall[]> {
  const runtime = createMemoryRuntime({ seed: 1 })
  const scenario = new Scenario(runtime)
  await untilDoneOrCrashed(scenario.run(), runtime)
  expect(scenario.errors).toEqual([])
  return runtime.calls
}

async function runWith(failure: Injection, at: number): Promise<{ scenario: Scenario; runtime: MemoryRuntime }> {
  const runtime = createMemoryRuntime({ seed: 1, inject: (call) => (call.index === at ? failure : undefined) })
  const scenario = new Scenario(runtime)
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

describe('a failure at every I/O call', () => {
  test.each(FAILURES)('%s: the live instance and every reboot are right', async (failure) => {
    const calls = await callsOfRun()
    expect(calls.length).toBeGreaterThan(100)
    for (const [at, call] of calls.entries()) {
      if (isBeyondRepair(call, failure)) continue
      try {
        await judge(await runWith(failure, at), at)
      } catch (error) {
        throw new Error(`${failure} at I/O call ${at}, ${call.operation} ${call.path}: ${(error as Error).message}`, {
          cause: error,
        })
      }
    }
  })
})
