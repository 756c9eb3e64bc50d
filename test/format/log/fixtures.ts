/** The frozen log segments: where they are and what they hold. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Batch, EntryKind } from '../../../src/storage/engine'
import type { LogEnd } from '../../../src/storage/log/log-contract'
import type { DurableImage } from '../../support/memory-runtime/durable-image'

/** The folder of all fixtures. */
export const FIXTURES = path.join(__dirname, 'fixtures')

/** Segments are called so here, because version control is told to ignore files that end in '.log'. */
export const FIXTURE_SUFFIX = '.segment'

/** An entry in JSON: bytes as hexadecimal text. */
export interface PlainEntry {
  readonly kind: EntryKind
  readonly key: string
  readonly value?: string
  readonly end?: string
}

/** What recovery must find in a fixture. */
export interface Expected {
  readonly segments: readonly number[]
  readonly cleanEnd?: LogEnd
  readonly commits: readonly { readonly sequence: number; readonly batch: readonly PlainEntry[] }[]
}

/** A batch as it stands in `expected.json`. */
export function toPlain(batch: Batch): PlainEntry[] {
  const hex = (key: string): string => Buffer.from(key, 'latin1').toString('hex')
  return batch.map(({ kind, key, value, end }) => ({
    kind,
    key: hex(key),
    ...(value === undefined ? {} : { value: Buffer.from(value).toString('hex') }),
    ...(end === undefined ? {} : { end: hex(end) }),
  }))
}

/** One fixture, as a disk with its segments in /db. */
export function readFixture(name: string): { readonly expected: Expected; readonly image: DurableImage } {
  const folder = path.join(FIXTURES, name)
  const expected = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as Expected
  const segments = readdirSync(folder).filter((file) => file.endsWith(FIXTURE_SUFFIX))
  const files = segments.map((file) => {
    const bytes = new Uint8Array(readFileSync(path.join(folder, file)))
    return [`/db/${path.basename(file, FIXTURE_SUFFIX)}.log`, bytes] as const
  })
  return { expected, image: { directories: ['/db'], files: new Map(files) } }
}
