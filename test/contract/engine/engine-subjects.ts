/** The engines that the contract suite runs over, and what is done to each between two steps. */
import { createLimits } from '../../../src/base/limits'
import type { Limits } from '../../../src/base/limits'
import type { Engine } from '../../../src/storage/engine'
import { openLsmEngine } from '../../../src/storage/lsm-engine'
import { createMemoryEngine } from '../../../src/storage/memory/memory-engine'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { SeededRandom } from '../../support/oracle/random'
import type { Disturbance } from './engine-driver'
import { EngineDriver } from './engine-driver'

const KiB = 1024

/** Everything as small as it can be, so that a few hundred commits go through every level. */
export const TINY_LIMITS: Limits = createLimits({
  transactionBytesMax: 32 * KiB,
  memtableBytesMax: 16 * KiB,
  walBytesMax: 256 * KiB,
  segmentBytesMin: 64 * KiB,
  segmentBytesMax: 64 * KiB,
  blockBytes: 256,
  blockCacheBytesMax: 8 * KiB,
  tableBytesMax: 16 * KiB,
  levelBytesBase: 32 * KiB,
  levelSizeRatio: 2,
  levelZeroTablesMax: 3,
  levelZeroTablesStall: 6,
  reserveBytes: 0,
  manifestRoomBytes: 32 * KiB,
  mergeSliceBytes: 4 * KiB,
})

export interface EngineSubject {
  readonly name: string
  /** Whether anything survives `reopen`. */
  readonly isDurable: boolean
  create(seed?: number): Promise<EngineDriver>
}

/** Opens an LSM engine in `/db`. */
export function openTinyEngine(runtime: MemoryRuntime, limits: Limits = TINY_LIMITS): Promise<Engine> {
  return openLsmEngine(runtime, '/db', { limits, create: true, readOnly: false, ioMode: 'thread' })
}

const nothing: Disturbance = async () => undefined
const flush: Disturbance = (driver) => driver.engine.flush()
const compact: Disturbance = (driver) => driver.engine.compact()
// A reopened engine knows nothing of the snapshots of an earlier life: while one is held, only the rest is done.
const reopen: Disturbance = (driver) => (driver.holdsSnapshots ? driver.engine.flush() : driver.reopen())

function anything(seed: number): Disturbance {
  const random = new SeededRandom(seed)
  return (driver) => random.pick([nothing, nothing, flush, flush, compact, reopen])(driver)
}

function memory(name: string, options: { asynchronous: boolean }): EngineSubject {
  const { asynchronous } = options
  return {
    name,
    isDurable: false,
    create: (seed = 1) => {
      const runtime = createMemoryRuntime({ seed })
      const open = async (): Promise<Engine> =>
        createMemoryEngine({ runtime, asynchronousReads: asynchronous, asynchronousReserve: asynchronous, collectAfterVersions: 8 }) // prettier-ignore
      return new EngineDriver({ runtime, open }, (driver) => driver.engine.compact()).start()
    },
  }
}

function lsm(name: string, disturbance: (seed: number) => Disturbance): EngineSubject {
  return {
    name,
    isDurable: true,
    create: (seed = 1) => {
      const runtime = createMemoryRuntime({ seed })
      return new EngineDriver({ runtime, open: () => openTinyEngine(runtime) }, disturbance(seed)).start()
    },
  }
}

export const SUBJECTS: readonly EngineSubject[] = [
  memory('memory', { asynchronous: false }),
  memory('memory, asynchronous', { asynchronous: true }),
  lsm('lsm', () => nothing),
  lsm('lsm, flushed between steps', () => flush),
  lsm('lsm, compacted between steps', () => compact),
  lsm('lsm, reopened between steps', () => reopen),
  lsm('lsm, anything between steps', anything),
]
