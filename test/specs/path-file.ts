/**
 * Reads the files of test/specs/paths: paths over the state graph of a small model, each step with the model's answer.
 *
 * `npm run specs -- --paths` writes them; scripts/specs/paths/write.mjs says how a file is laid out, and
 * scripts/specs/paths/answers.mjs what the fields of a step mean.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { inflateRawSync } from 'node:zlib'

const FOLDER = path.join(__dirname, 'paths')

/** What a transaction of SSI.tla is; of MVCC.tla all are alike. */
export type Role = 'read-write' | 'declared' | 'lone' | 'deferrable' | 'snapshot'

/** A step with what the model answers to it. Keys and sequences count from 1; sequence 0 is what was there at the start. */
export interface PathStep {
  readonly do: string
  readonly by?: string
  readonly keys?: readonly number[]
  readonly sequence?: number
  readonly snapshot?: number
  readonly shown?: readonly (number | 'own')[]
  readonly value?: number
  readonly key?: number
  readonly outcome?: number | 'refused' | 'safe' | 'waits'
  readonly others?: Readonly<Record<string, 'aborted' | 'safe' | 'again'>>
  readonly published?: number
}

/** A model's paths. */
export interface PathFile {
  readonly name: string
  readonly module: 'SSI' | 'MVCC'
  /** The hash of the module, its constants and its named steps. */
  readonly key: string
  readonly roles: ReadonlyMap<string, Role>
  readonly keys: number
  readonly states: number
  readonly edges: number
  readonly paths: number
  readonly waits: number
  readonly steps: number
  /** Every path in turn. */
  each(): IterableIterator<readonly PathStep[]>
}

interface Head extends Omit<PathFile, 'roles' | 'keys' | 'each'> {
  readonly given: { readonly keys: number; readonly cast?: Readonly<Record<string, { readonly role: Role }>> }
  readonly alphabet: readonly PathStep[]
}

/** The file of one model. */
export function readPathFile(name: string): PathFile {
  const bytes = inflateRawSync(readFileSync(path.join(FOLDER, `${name}.paths`)))
  const end = 4 + bytes.readUInt32LE(0)
  const head = JSON.parse(bytes.toString('utf8', 4, end)) as Head
  const roles = Object.entries(head.given.cast ?? {}).map(([by, { role }]) => [by, role] as const)
  return { ...head, roles: new Map(roles), keys: head.given.keys, each: () => decode(bytes, end, head.alphabet) }
}

function* decode(bytes: Buffer, start: number, alphabet: readonly PathStep[]): IterableIterator<readonly PathStep[]> {
  let steps: readonly PathStep[] = []
  for (let at = start; at < bytes.length;) {
    const shared = bytes[at]!
    const further = bytes[at + 1]!
    const added = Array.from({ length: further }, (_, i) => alphabet[bytes.readUInt16LE(at + 2 + 2 * i)]!)
    steps = [...steps.slice(0, shared), ...added]
    at += 2 + 2 * further
    yield steps
  }
}

/** A path for people, one step a line. */
export function describePath(steps: readonly PathStep[]): string {
  return steps
    .map(
      ({ do: verb, by, keys, ...answer }) => `  ${by ?? ''} ${verb} ${keys?.join(' ') ?? ''} ${JSON.stringify(answer)}`,
    )
    .join('\n')
}
