/**
 * How long a checkpoint takes, by links and by copies, while clients go on committing:
 *
 *     npx ts-node bench/checkpoint.ts [MEGABYTES] [DIRECTORY ON ANOTHER FILE SYSTEM]
 *
 * Loads rows of 1,000 bytes, then makes checkpoints beside eight clients that commit one row after the other, and says for each how
 * long it took, what was copied, and what the clients noticed: the slowest commit during the checkpoint beside that of as
 * long a time without one.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { open } from '../src/index'
import type { Database } from '../src/index'

const VALUE_BYTES = 980
const CLIENTS = 8
const REPEATS = 5

function* rows(count: number): Generator<[string, Buffer]> {
  for (let row = 0; row < count; row++) {
    // Bytes that no codec and no file system makes smaller.
    const value = Buffer.alloc(VALUE_BYTES)
    for (let at = 0; at < VALUE_BYTES; at += 4) value.writeUInt32LE(Math.imul(row * 251 + at, 0x9e3779b1) >>> 0, at)
    yield [`row/${String(row).padStart(12, '0')}`, value]
  }
}

/** The slowest of the commits that eight clients make while `work` is done, in milliseconds, and how many there were. */
async function besideClients(
  db: Database,
  work: () => Promise<unknown>,
): Promise<{ slowestMs: number; commits: number }> {
  let [isOver, slowestMs, commits] = [false, 0, 0]
  const client = async (number: number): Promise<void> => {
    while (!isOver) {
      const startMs = performance.now()
      await db.put(`client/${number}`, `${commits}`)
      slowestMs = Math.max(slowestMs, performance.now() - startMs)
      commits++
    }
  }
  const clients = Array.from({ length: CLIENTS }, (_, number) => client(number))
  await work()
  isOver = true
  await Promise.all(clients)
  return { slowestMs, commits }
}

async function measure(db: Database, kind: string, parent: string): Promise<void> {
  for (let repeat = 1; repeat <= REPEATS; repeat++) {
    const target = path.join(parent, `checkpoint-${repeat}`)
    const startMs = performance.now()
    let tookMs = 0
    let what = ''
    const beside = await besideClients(db, async () => {
      const { tables, bytesLinked, bytesCopied } = await db.checkpoint(target)
      tookMs = performance.now() - startMs
      what = `${tables} tables, ${bytesLinked} bytes linked, ${bytesCopied} copied`
    })
    const alone = await besideClients(db, () => new Promise((resolve) => setTimeout(resolve, tookMs)))
    console.log(
      `${kind} ${repeat}: ${tookMs.toFixed(1)} ms, ${what}; slowest of ${beside.commits} commits ${beside.slowestMs.toFixed(1)} ms, of ${alone.commits} without a checkpoint ${alone.slowestMs.toFixed(1)} ms`,
    )
    rmSync(target, { recursive: true, force: true })
  }
}

async function main(): Promise<void> {
  const megabytes = Number(process.argv[2] ?? 1000)
  const elsewhere = process.argv[3]
  const root = mkdtempSync(path.join(process.cwd(), 'bench-checkpoint-'))
  const away = elsewhere === undefined ? undefined : mkdtempSync(path.join(elsewhere, 'bench-checkpoint-'))
  try {
    const db = await open(path.join(root, 'data'))
    await db.load(rows(megabytes * 1000))
    console.log(`${megabytes} MB in ${db.stats().storage.tables} tables`)
    mkdirSync(path.join(root, 'links'))
    await measure(db, 'by links', path.join(root, 'links'))
    if (away !== undefined) await measure(db, 'by copies', away)
    await db.close()
  } finally {
    for (const directory of [root, away])
      if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
  }
}

void main()
