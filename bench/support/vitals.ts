/**
 * How the process itself fares while something is measured: the delay of its event loop, and the most memory it took.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Sample } from './figures'

/** A timer that fires so often measures how late it is. */
const RESOLUTION_MS = 1
const MEMORY_LOOK_MS = 50
const NS_PER_MS = 1e6
const MIB = 1024 * 1024

/** Something that is watched from its making until `end`, which gives what was seen. */
export interface Watch {
  end(): Sample
}

/** Watches by how much timers come late. */
export function watchEventLoop(): Watch {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  return {
    end: () => {
      histogram.disable()
      // What it records is the time between two firings, the interval itself included.
      const late = (ns: number): number => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS)
      if (histogram.count === 0) return {}
      return {
        loopDelayP50Ms: late(histogram.percentile(50)),
        loopDelayP99Ms: late(histogram.percentile(99)),
        loopDelayMaxMs: late(histogram.max),
      }
    },
  }
}

/** Watches the memory of the process: what it had at first, and the greatest of each kind seen since. */
export function watchMemory(): Watch {
  const first = process.memoryUsage()
  const greatest = { ...first }
  const look = (): void => {
    const now = process.memoryUsage()
    for (const kind of ['rss', 'heapUsed', 'arrayBuffers'] as const)
      greatest[kind] = Math.max(greatest[kind], now[kind])
  }
  const timer = setInterval(look, MEMORY_LOOK_MS)
  return {
    end: () => {
      clearInterval(timer)
      look()
      return {
        rssPeakMiB: greatest.rss / MIB,
        heapPeakMiB: greatest.heapUsed / MIB,
        arrayBuffersPeakMiB: greatest.arrayBuffers / MIB,
        rssFirstMiB: first.rss / MIB,
        heapFirstMiB: first.heapUsed / MIB,
        arrayBuffersFirstMiB: first.arrayBuffers / MIB,
      }
    },
  }
}
