/** Random inputs of merges, written as runs of tables into the disk in memory. */
import type { KeyRange } from '../../../../src/base/key-range'
import { createLimits } from '../../../../src/base/limits'
import type { Limits } from '../../../../src/base/limits'
import { createRetention } from '../../../../src/storage/compaction/compaction-retention'
import type { Retention } from '../../../../src/storage/compaction/compaction-retention'
import { ENTRY_DELETE, ENTRY_PUT } from '../../../../src/storage/engine'
import type { Runtime } from '../../../../src/runtime/runtime'
import type { InputTable } from '../../../../src/storage/compaction/merge-input'
import type { MergeJob } from '../../../../src/storage/compaction/merge-job'
import { sharedKeyLength } from '../../../../src/storage/compaction/merge-source'
import type { TableProperties } from '../../../../src/storage/table/table-format'
import { TableOutput } from '../../../../src/storage/table/table-output'
import type { RangeTombstone } from '../../../../src/storage/rows/version-cursor'
import type { SeededRandom } from '../../../support/oracle/random'
import { asVersion } from '../table/table-world'
import { inOrder } from '../rows/version-model'
import type { ModelVersion } from '../rows/version-model'

/** One run: what it holds. */
export interface RunContent {
  readonly versions: readonly ModelVersion[]
  readonly rangeTombstones: readonly RangeTombstone[]
}

/** A merge to be made, as data and as tables in `/t`. */
export interface MergeWorld {
  readonly runs: readonly RunContent[]
  readonly job: MergeJob
}

/** Keys of one of several kinds: short ones that collide, dense numbers, long shared prefixes, any bytes. */
function keyMaker(random: SeededRandom): () => string {
  const kind = random.below(5)
  const space = 20 + random.below(600)
  if (kind === 0) return () => Array.from({ length: random.below(5) }, () => 'ab'[random.below(2)]).join('')
  if (kind === 1) return () => String(random.below(space)).padStart(6, '0')
  if (kind === 2) return () => `tenant/000000000000/${'x'.repeat(random.below(3))}${random.below(space)}`
  if (kind === 3) return () => String.fromCharCode(...Array.from({ length: random.below(12) }, () => random.pick([0, 1, 127, 128, 254, 255]))) // prettier-ignore
  return () => String.fromCharCode(...Array.from({ length: 8 }, () => random.below(256)))
}

/** What each run holds: a random history, dealt out by age or at random. */
export function randomRuns(random: SeededRandom): RunContent[] {
  const count = 1 + random.below(6)
  const newKey = keyMaker(random)
  const commits = 1 + random.below(500)
  const byAge = random.chance(0.7)
  const deletes = random.pick([0, 0, 0.1, 0.6])
  const ranges = random.pick([0, 0, 0.02])
  const large = random.pick([0, 0.01])
  const runs = Array.from({ length: count }, () => ({
    versions: [] as ModelVersion[],
    rangeTombstones: [] as RangeTombstone[],
  }))
  for (let sequence = 1; sequence <= commits; sequence++) {
    const run = runs[byAge ? count - 1 - Math.floor(((sequence - 1) * count) / commits) : random.below(count)]!
    const key = newKey()
    if (random.chance(ranges)) {
      const end = newKey()
      if (key < end) run.rangeTombstones.push({ start: key, end, sequence })
      continue
    }
    const isDelete = random.chance(deletes)
    const bytes = random.chance(large) ? 2049 + random.below(3000) : random.below(random.pick([1, 20, 90, 300]))
    const value = isDelete ? undefined : Buffer.alloc(bytes, sequence)
    run.versions.push({ key, sequence, kind: isDelete ? ENTRY_DELETE : ENTRY_PUT, value })
  }
  return runs.filter((run) => run.versions.length + run.rangeTombstones.length > 0)
}

/** Writes a run as tables of at most about `tableBytesMax`. */
async function writeRun(
  runtime: Runtime,
  content: RunContent,
  options: { readonly limits: Limits; readonly tableBytesMax: number; readonly firstNumber: number },
): Promise<readonly TableProperties[]> {
  let next = options.firstNumber
  const output = new TableOutput(runtime, {
    directory: '/t',
    limits: options.limits,
    allocateFileNumber: () => next++,
    tableBytesMax: options.tableBytesMax,
    cutKeys: [],
    rangeTombstones: content.rangeTombstones,
  })
  let before: string | undefined
  for (const model of inOrder(content.versions)) {
    const version = asVersion(model)
    if (model.key !== before && output.shouldCut(version)) await output.cut(model.key)
    before = model.key
    if (output.writer === undefined) await output.begin()
    output.add(version)
  }
  return output.finish()
}

/** A merge of `runs`, newest first, with everything else at random. */
export async function createMergeWorld(
  runtime: Runtime,
  random: SeededRandom,
  runs: readonly RunContent[],
): Promise<MergeWorld> {
  const inputs: InputTable[][] = []
  const keys: string[] = []
  let firstNumber = 1
  for (const content of runs) {
    const limits = createLimits({ blockBytes: 256 << random.below(4), filterBitsPerKey: random.below(11) })
    const tables = await writeRun(runtime, content, {
      limits,
      tableBytesMax: random.pick([2_000, 10_000, Infinity]),
      firstNumber,
    })
    firstNumber += tables.length
    inputs.push(
      tables.map((table) => ({ fileNumber: table.fileNumber, hasRangeTombstones: table.rangeTombstones > 0 })),
    )
    for (const table of tables) keys.push(...[table.firstKey, table.lastKey].filter((key) => key !== undefined))
  }
  keys.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const shared = keys.length === 0 ? 0 : sharedKeyLength(keys[0]!, keys.at(-1)!)
  const job = {
    inputs,
    sharedLength: random.chance(0.5) ? shared : 0,
    retention: randomRetention(random, runs),
    older: randomOlder(random, keys),
    output: {
      directory: '/t',
      limits: createLimits({ blockBytes: 256 << random.below(4), filterBitsPerKey: random.below(11), mergeSliceBytes: 1024 }),
      fileNumbers: Array.from({ length: random.pick([1, 2, 1000]) }, (_, i) => 1_000 + i),
      tableBytesMax: random.pick([1_000, 4_000, 20_000, 1_000_000]),
      cutKeys: random.chance(0.3) ? keys.filter((_, i) => i % 3 === 0) : [],
    },
  } // prettier-ignore
  return { runs, job }
}

function randomRetention(random: SeededRandom, runs: readonly RunContent[]): Retention {
  const sequences = runs.flatMap((run) => [...run.versions, ...run.rangeTombstones].map(({ sequence }) => sequence))
  const greatest = Math.max(...sequences)
  const published = random.chance(0.7) ? greatest : 1 + random.below(greatest)
  const live = Array.from({ length: random.pick([0, 0, 1, 4]) }, () => 1 + random.below(published))
  return createRetention(live, published)
}

function randomOlder(random: SeededRandom, keys: readonly string[]): KeyRange[] {
  if (keys.length === 0 || random.chance(0.5)) return []
  return Array.from({ length: 1 + random.below(2) }, () => {
    const [a, b] = [random.pick(keys), random.pick(keys)]
    return { start: a < b ? a : b, end: random.chance(0.2) ? undefined : `${a < b ? b : a}\0` }
  })
}
