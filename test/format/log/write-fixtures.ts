/**
 * Writes the frozen files of this folder: `npx ts-node test/format/log/write-fixtures.ts <name>`.
 *
 * It has been run once for each format version, when that version was new; what it wrote then is never written again.
 * Each fixture is a folder of segments beside `expected.json`, which says what recovery must find in them.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createLimits } from '../../../src/base/limits'
import type { Batch } from '../../../src/storage/engine'
import { batchBytes, ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT } from '../../../src/storage/engine'
import { openLog } from '../../../src/storage/log/log-open'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { Expected } from './fixtures'
import { FIXTURE_SUFFIX, FIXTURES, toPlain } from './fixtures'

/** Every kind of entry, the empty key and value, bytes that are no text, a value of several pages. */
function batchOf(sequence: number): Batch {
  const key = `key-${String(sequence).padStart(3, '0')}`
  if (sequence === 1) return [{ kind: ENTRY_PUT, key: '', value: new Uint8Array(0), end: undefined }]
  if (sequence === 2) return []
  if (sequence % 11 === 0) return [{ kind: ENTRY_DELETE_RANGE, key, value: undefined, end: undefined }]
  if (sequence % 7 === 0) return [{ kind: ENTRY_DELETE_RANGE, key: '\x00', value: undefined, end: `${key}\xff` }]
  if (sequence % 5 === 0) return [{ kind: ENTRY_DELETE, key, value: undefined, end: undefined }]
  const bytes = sequence === 9 ? 9000 : sequence
  return [
    { kind: ENTRY_PUT, key, value: Buffer.alloc(bytes, `${sequence}/`), end: undefined },
    { kind: ENTRY_PUT, key: `${key}\x00\xff`, value: Buffer.from([0, 255, sequence]), end: undefined },
  ]
}

async function write(name: string, how: { readonly commits: number; readonly close: boolean }): Promise<void> {
  const folder = path.join(FIXTURES, name)
  if (existsSync(folder)) throw new Error(`${folder} is frozen`)
  const runtime = createMemoryRuntime({ seed: 7, clockJumps: false })
  await runtime.files.createDirectory('/db')
  const segments: number[] = []
  const limits = createLimits({
    segmentBytesMin: 16_384,
    segmentBytesMax: 32_768,
    logSliceBytes: 16_384,
    reserveBytes: 0,
  })
  const log = await openLog(runtime, {
    directory: '/db',
    limits,
    ioMode: 'thread',
    firstSegment: 3,
    lastSequence: 0,
    previous: undefined,
    listener: {
      onPublished: () => undefined,
      onPoisoned: (cause) => {
        throw cause
      },
      nameSegment: (number) => Promise.resolve(void segments.push(number)),
    },
  })
  const commits: Expected['commits'][number][] = []
  for (let sequence = 1; sequence <= how.commits; sequence++) {
    const batch = batchOf(sequence)
    await log.reserve(batchBytes(batch), false)
    log.append(batch, batchBytes(batch), sequence, sequence % 3 === 0 ? 'os' : 'sync')
    commits.push({ sequence, batch: toPlain(batch) })
    if (sequence % 4 !== 0) await log.sync()
  }
  await log.sync()
  const cleanEnd = how.close ? await log.close() : undefined
  const expected: Expected = { segments, ...(cleanEnd === undefined ? {} : { cleanEnd }), commits }
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'expected.json'), `${JSON.stringify(expected, undefined, 1)}\n`)
  for (const [file, bytes] of runtime.durableImage('everything').files) {
    writeFileSync(path.join(folder, path.basename(file, '.log') + FIXTURE_SUFFIX), bytes)
  }
}

async function main(): Promise<void> {
  const version = process.argv[2] ?? ''
  if (!/^v\d+$/.test(version)) throw new Error('Name a version that has no fixtures yet, such as v2')
  await write(`${version}-closed`, { commits: 40, close: true })
  await write(`${version}-cut-off`, { commits: 17, close: false })
}

void main()
