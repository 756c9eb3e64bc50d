/**
 * One round: a process commits from many clients in a directory, is killed at a moment of the seed's choice, and the directory is
 * opened and judged (kill-model.ts). Rounds go on in the same directory.
 *
 * The moments: while opening (recovery included), after so many acknowledgements, some time after opening, while closing.
 * The shapes: tiny memtables and tables (flush and merges run all the time), everyday sizes, the log on the calling thread.
 * Sometimes the directory is first opened for reading alone, which must show the same and change no file.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type * as StrictKv from '../../src/index'
import type { Acknowledgement, Kind, Rows, Tally } from './kill-model'
import { EMPTY_TALLY, judgeLife, tallyRows } from './kill-model'

/** The built package: what is killed is what is published. */
export const LIBRARY = path.resolve(__dirname, '../../dist/index.js')
const CLIENT = path.join(__dirname, 'kill-client.cjs')
/** A child that has said nothing for so long hangs. */
const SILENCE_MS_MAX = 60_000

const KiB = 1024
const SHAPES: Record<string, StrictKv.OpenOptions> = {
  tiny: {
    memtableBytesMax: 64 * KiB, walBytesMax: 256 * KiB, segmentBytesMin: 64 * KiB, segmentBytesMax: 128 * KiB,
    transactionBytesMax: 32 * KiB, logSliceBytes: 16 * KiB, blockBytes: KiB, tableBytesMax: 128 * KiB,
    levelBytesBase: 256 * KiB, levelSizeRatio: 4, levelZeroTablesMax: 2, mergeSliceBytes: 8 * KiB,
    manifestRoomBytes: 32 * KiB, reserveBytes: 256 * KiB, blockCacheBytesMax: 256 * KiB,
  },
  everyday: {},
  inline: { logMode: 'inline', memtableBytesMax: 256 * KiB, segmentBytesMax: 1024 * KiB, logIdleMs: 1, syncIntervalMs: 5 },
} // prettier-ignore

type Moment =
  | { readonly when: 'opening'; readonly afterMs: number }
  | { readonly when: 'acknowledged'; readonly count: number }
  | { readonly when: 'running'; readonly afterMs: number }
  | { readonly when: 'closing'; readonly afterMs: number; readonly closeAfter: number }

/** What a seed decides about a round. */
export interface RoundPlan {
  readonly seed: number
  readonly shape: string
  readonly moment: Moment
  readonly osTenths: number
  readonly fillerBytes: number
  readonly readOnlyFirst: boolean
}

/** A round's plan, from the campaign's seed and the round's number alone. Pure. */
export function planRound(campaignSeed: number, round: number): RoundPlan {
  let state = (campaignSeed * 2_654_435_761 + round * 40_503 + 1) >>> 0 || 1
  const random = (bound: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % bound
  }
  for (let warm = 0; warm < 8; warm++) random(2)
  const moments: readonly (() => Moment)[] = [
    () => ({ when: 'opening', afterMs: random(40) }),
    () => ({ when: 'acknowledged', count: 1 + random(60) }),
    () => ({ when: 'acknowledged', count: 1 + random(4000) }),
    () => ({ when: 'running', afterMs: random(400) }),
    () => ({ when: 'running', afterMs: random(400) }),
    () => ({ when: 'closing', afterMs: random(12), closeAfter: 1 + random(1500) }),
  ]
  return {
    seed: random(1_000_000),
    shape: ['tiny', 'tiny', 'everyday', 'inline'][random(4)]!,
    moment: moments[random(moments.length)]!(),
    osTenths: [0, 3, 10][random(3)]!,
    fillerBytes: [1, 100, 600][random(3)]!,
    readOnlyFirst: random(3) === 0,
  }
}

/** What a killed process said. */
interface Said {
  readonly opened: number | undefined
  readonly acknowledged: readonly Acknowledgement[]
  readonly error: string | undefined
  /** Whether the signal ended it; else it ended by itself, as it may while closing. */
  readonly wasKilled: boolean
}

/** What was seen of a round. */
export interface RoundResult {
  readonly tally: Tally
  readonly acknowledged: number
  /** Commits found that nobody had been told of. */
  readonly inFlight: number
  readonly wasKilled: boolean
  readonly wasOpening: boolean
}

/** Where rounds happen, and with what. */
export interface RoundPlace {
  readonly directory: string
  readonly library: string
  readonly clients: number
}

/** Runs one round and judges it. Throws what is wrong, with the round's plan in the message. */
export async function runRound(place: RoundPlace, plan: RoundPlan, before: Tally = EMPTY_TALLY): Promise<RoundResult> {
  try {
    const said = await liveAndDie(place, plan)
    if (said.error !== undefined) throw new Error(`the process failed: ${said.error}`)
    const tally = await reopenAndTally(place, plan, before)
    judgeLife({ before, opened: said.opened, acknowledged: said.acknowledged }, tally, place.clients)
    const inFlight = tally.sequence - before.sequence - said.acknowledged.length
    const { wasKilled } = said
    return { tally, acknowledged: said.acknowledged.length, inFlight, wasKilled, wasOpening: said.opened === undefined }
  } catch (error) {
    throw new Error(`${(error as Error).message}\n  plan: ${JSON.stringify(plan)}`, { cause: error })
  }
}

function liveAndDie(place: RoundPlace, plan: RoundPlan): Promise<Said> {
  const { moment } = plan
  const closeAfter = moment.when === 'closing' ? moment.closeAfter : 0
  const { seed, osTenths, fillerBytes } = plan
  const options = SHAPES[plan.shape]
  const told = { seed, osTenths, fillerBytes, options, closeAfter, ...place }
  const child = spawn(process.execPath, [CLIENT, JSON.stringify(told)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const listener = new Listener(moment, () => child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    const silence = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error('the process neither went on nor ended'))
    }, SILENCE_MS_MAX)
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      silence.refresh()
      listener.hear(text)
    })
    child.once('error', reject)
    // 'close', not 'exit': what was written before the end is still on its way.
    child.once('close', (_code, signal) => {
      clearTimeout(silence)
      listener.stop()
      resolve(listener.said(signal === 'SIGKILL'))
    })
  })
}

/** Hears what the process says, and kills it when its moment has come. */
class Listener {
  readonly #moment: Moment
  readonly #kill: () => void
  readonly #acknowledged: Acknowledgement[] = []
  #opened: number | undefined
  #error: string | undefined
  #rest = ''
  #timer: NodeJS.Timeout | undefined

  constructor(moment: Moment, kill: () => void) {
    this.#moment = moment
    this.#kill = kill
  }

  hear(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) this.#hearLine(line)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  said(wasKilled: boolean): Said {
    return { opened: this.#opened, acknowledged: this.#acknowledged, error: this.#error, wasKilled }
  }

  #hearLine(line: string): void {
    const moment = this.#moment
    const [what, ...rest] = line.split(' ')
    if (what === 'S' && moment.when === 'opening') this.#killAfter(moment.afterMs)
    else if (what === 'O') {
      this.#opened = Number(rest[0])
      if (moment.when === 'running') this.#killAfter(moment.afterMs)
    } else if (what === 'C' && moment.when === 'closing') this.#killAfter(moment.afterMs)
    else if (what === 'E') this.#error = rest.join(' ')
    else if (what === 'A') {
      const [client, kind, n, sequence] = rest as [string, Kind, string, string]
      this.#acknowledged.push({ client: Number(client), kind, n: Number(n), sequence: Number(sequence) })
      if (moment.when === 'acknowledged' && this.#acknowledged.length === moment.count) this.#kill()
    }
  }

  #killAfter(ms: number): void {
    this.#timer = setTimeout(this.#kill, ms)
  }
}

/** Opens the directory as an application would, without help, and counts what is there; commits nothing. */
async function reopenAndTally(place: RoundPlace, plan: RoundPlan, before: Tally): Promise<Tally> {
  if (plan.readOnlyFirst && existsSync(path.join(place.directory, 'CURRENT'))) {
    const files = filesOf(place.directory)
    const seen = await openAndTally(place, { readOnly: true })
    if (filesOf(place.directory) !== files) throw new Error('opening for reading alone has changed a file')
    const tally = await openAndTally(place, SHAPES[plan.shape]!)
    if (seen.sequence !== tally.sequence) throw new Error(`read alone: ${seen.sequence}, then: ${tally.sequence}`)
    return tally
  }
  const tally = await openAndTally(place, SHAPES[plan.shape]!)
  if (tally.sequence < before.sequence) throw new Error(`${tally.sequence} after ${before.sequence}`)
  return tally
}

async function openAndTally(place: RoundPlace, options: StrictKv.OpenOptions): Promise<Tally> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the built package, whose path is an option
  const { open } = require(place.library) as typeof StrictKv
  const db = await open(place.directory, options)
  try {
    const found = db.begin({ readOnly: true })
    const rows: Rows = await rowsOf(found)
    return tallyRows(rows, (await found.commit()).sequence)
  } finally {
    await db.close()
  }
}

async function rowsOf(tx: StrictKv.Transaction): Promise<Rows> {
  const rows: [string, string][] = []
  for await (const page of tx.scan().pages(1024)) {
    for (const [key, value] of page) rows.push([String(key), String(value)])
  }
  return rows
}

/** Names, sizes and times of change. */
function filesOf(directory: string): string {
  const facts = readdirSync(directory).map((name) => {
    const { size, mtimeNs } = statSync(path.join(directory, name), { bigint: true })
    return `${name} ${size} ${mtimeNs}`
  })
  return facts.sort().join('\n')
}

/** An empty directory for rounds. */
export function makePlace(directory: string, options: { library?: string; clients?: number } = {}): RoundPlace {
  mkdirSync(directory, { recursive: true })
  return { directory, library: options.library ?? LIBRARY, clients: options.clients ?? 64 }
}
