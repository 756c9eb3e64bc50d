/**
 * Measures who should sync the log: an I/O thread, the calling thread, or the shared thread pool.
 *
 *     npm run build && npx ts-node bench/io-modes.ts [directory]
 *
 * One client writes 4 KiB inside a sized file and syncs it, over and over. The ways take turns, so that a change of the
 * machine's mood meets all of them; medians over rounds, latencies over all. Each is measured with an idle pool and with
 * four pbkdf2 jobs always in it. Results and choice: docs/decisions/0005-who-syncs.md.
 */
import crypto from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createNodeRuntime } from '../src/runtime/node/node-runtime'
import type { IoThreadMode } from '../src/runtime/runtime'

const pageBytes = 4096
const pages = 150
const rounds = 12

type Way = (page: number) => void | Promise<void>

/** `work` false: the hand-over alone, no write, no sync. */
async function createWays(file: string, work: boolean): Promise<{ ways: Map<string, Way>; end: () => Promise<void> }> {
  const runtime = createNodeRuntime()
  const opened = await runtime.files.open(file, 'write')
  const handle = await fs.promises.open(file, 'r+')
  const page = Buffer.alloc(pageBytes, 1)
  const ways = new Map<string, Way>()
  if (work) {
    ways.set('raw calls, no answer', (index) => {
      fs.writeSync(handle.fd, page, 0, pageBytes, index * pageBytes)
      fs.fdatasyncSync(handle.fd)
    })
  }
  const ends: (() => Promise<void>)[] = [() => opened.close(), () => handle.close()]
  for (const mode of ['thread', 'inline'] as const satisfies readonly IoThreadMode[]) {
    const thread = await runtime.files.openIoThread(mode)
    if (thread.mode !== mode) throw new Error('No thread could be started: build first')
    const bytes = work ? thread.allocate(pageBytes).fill(1) : new Uint8Array(0)
    ways.set(mode, (index) => {
      return new Promise((resolve, reject) => {
        thread.submit({ file: opened, bytes, position: index * pageBytes, sync: work }, (error) => {
          if (error === undefined) resolve()
          else reject(error)
        })
      })
    })
    ends.unshift(() => thread.close())
  }
  if (work) {
    ways.set('fs.promises, shared pool', async (index) => {
      await handle.write(page, 0, pageBytes, index * pageBytes)
      await handle.datasync()
    })
  }
  return {
    ways,
    end: async () => {
      for (const end of ends) await end()
    },
  }
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
}

async function measure(title: string, ways: ReadonlyMap<string, Way>, isPoolBusy: boolean): Promise<void> {
  const results = new Map([...ways.keys()].map((name) => [name, { rates: [] as number[], us: [] as number[] }]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of ways) {
      const result = results.get(name)!
      // Each of these waits for a pbkdf2 job or two.
      const count = isPoolBusy && name.startsWith('fs.promises') ? 4 : pages
      const startMs = performance.now()
      for (let index = 0; index < count; index++) {
        const beforeMs = performance.now()
        await way(index)
        result.us.push((performance.now() - beforeMs) * 1000)
      }
      result.rates.push((count / (performance.now() - startMs)) * 1000)
    }
  }
  console.log(
    `\n${title}\n${'way'.padEnd(26)}${['per second', 'p50 us', 'p99 us'].map((head) => head.padStart(12)).join('')}`,
  )
  for (const [name, { rates, us }] of results) {
    rates.sort((a, b) => a - b)
    us.sort((a, b) => a - b)
    const figures = [at(rates, 0.5), at(us, 0.5), at(us, 0.99)]
    console.log(name.padEnd(26) + figures.map((figure) => figure.toFixed(0).padStart(12)).join(''))
  }
}

async function main(): Promise<void> {
  const directory = fs.mkdtempSync(path.join(process.argv[2] ?? os.tmpdir(), 'io-modes-'))
  const file = path.join(directory, 'log')
  fs.writeFileSync(file, Buffer.alloc(pages * pageBytes), { flush: true })
  console.log(`${os.cpus().length} cores, load ${os.loadavg()[0]?.toFixed(1) ?? '?'}, Node ${process.version}`)
  const { ways, end } = await createWays(file, true)
  await measure('write 4 KiB + fdatasync, one client, idle pool', ways, false)
  let isBusy = true
  const burn = (): void => {
    if (isBusy) crypto.pbkdf2('password', 'salt', 60_000, 64, 'sha512', burn)
  }
  for (let job = 0; job < 4; job++) burn()
  await measure('the same with four pbkdf2 jobs in the pool', ways, true)
  isBusy = false
  await end()
  const handOver = await createWays(file, false)
  await measure('hand-over and answer alone', handOver.ways, false)
  await handOver.end()
  fs.rmSync(directory, { recursive: true })
}

void main()
