/** Each ban of eslint.config.mjs that keeps the sources deterministic and in their layers fires, and only where it should. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { repository } from './source-files'

/** One piece of source, the file it pretends to be, and the rules that must name it. */
type Case = readonly [what: string, file: string, text: string, rules: readonly string[]]

interface LintMessage {
  readonly ruleId: string | null
  readonly message: string
}

const globals = 'no-restricted-globals'
const properties = 'no-restricted-properties'
const imports = 'no-restricted-imports'
const syntax = 'no-restricted-syntax'
const cases: readonly Case[] = [
  ['Date', 'src/storage/limits.ts', 'export const a = Date.now()', [globals]],
  ['performance', 'src/mvcc/limits.ts', 'export const a = performance.now()', [globals]],
  ['a timer', 'src/kv/limits.ts', 'setTimeout(() => 1, 1)', [globals]],
  ['setImmediate', 'src/kv/limits.ts', 'setImmediate(() => 1)', [globals]],
  ['process', 'src/storage/limits.ts', 'export const a = process.pid', [globals]],
  ['crypto', 'src/storage/limits.ts', 'export const a = crypto.randomUUID()', [globals]],
  ['WeakRef', 'src/storage/limits.ts', 'export const a = new WeakRef({})', [globals]],
  ['FinalizationRegistry', 'src/base/limits.ts', 'export const a = new FinalizationRegistry(() => 1)', [globals]],
  ['Intl', 'src/base/limits.ts', 'export const a = new Intl.Collator()', [globals]],
  ['globalThis as a way round', 'src/base/limits.ts', 'export const a = globalThis.Date', [globals]],
  ['console', 'src/base/limits.ts', 'console.log(1)', [globals, 'no-console']],
  ['Math.random', 'src/storage/limits.ts', 'export const a = Math.random()', [properties]],
  ['Promise.race', 'src/storage/limits.ts', 'export const a = Promise.race([])', [properties]],
  ['AbortSignal.timeout', 'src/kv/limits.ts', 'export const a = AbortSignal.timeout(1)', [properties]],
  ['localeCompare', 'src/base/limits.ts', `export const a = 'a'.localeCompare('b')`, [properties]],
  ['for-in', 'src/base/limits.ts', 'for (const a in { b: 1 }) void a', [syntax]],
  ['an enum', 'src/base/limits.ts', 'export enum A { b }', [syntax]],
  ['inheritance', 'src/base/limits.ts', 'export class A extends Map<string, string> {}', [syntax]],
  ['a private keyword', 'src/base/limits.ts', 'export class A { private readonly b = 1 }', [syntax]],
  ['a barrel', 'src/base/limits.ts', `export * from './bytes'`, [syntax]],
  ['a p-queue with a timeout', 'src/storage/limits.ts', 'new PQueue({ concurrency: 1, timeout: 1 })', [syntax]],
  ['a p-queue with an interval', 'src/storage/limits.ts', 'new PQueue({ interval: 1 })', [syntax]],
  ['a job with a timeout', 'src/storage/limits.ts', 'queue.add(job, { timeout: 1 })', [syntax]],
  ['a cache with a time to live', 'src/storage/limits.ts', 'new LRUCache({ max: 1, ttl: 1 })', [syntax]],
  ['an entry with a time to live', 'src/storage/limits.ts', 'cache.set(1, 2, { ttl: 1 })', [syntax]],
  ['node:fs in a layer', 'src/storage/limits.ts', `import fs from 'node:fs'\nvoid fs`, [imports]],
  ['fs without its prefix', 'src/storage/limits.ts', `import fs from 'fs'\nvoid fs`, [imports]],
  ['node:zlib where it is not excepted', 'src/storage/limits.ts', `import zlib from 'node:zlib'\nvoid zlib`, [imports]],
  ['a package of another layer', 'src/kv/limits.ts', `import PQueue from 'p-queue'\nvoid PQueue`, [imports]],
  ['an import upwards', 'src/base/limits.ts', `import '../storage/engine'`, ['import-x/no-restricted-paths']],
  [
    'a file of storage from mvcc',
    'src/mvcc/limits.ts',
    `import '../storage/memory/memory-engine'`,
    ['import-x/no-restricted-paths'],
  ],
  ['a default export', 'src/base/limits.ts', 'export default 1', ['import-x/no-default-export']],
  ['401 lines', 'src/base/limits.ts', 'export {}\n'.repeat(401), ['max-lines']],
  [
    '71 lines of function',
    'src/base/limits.ts',
    `export function a(): void {${'\n'.repeat(70)}}`,
    ['max-lines-per-function'],
  ],

  ['microtasks', 'src/storage/limits.ts', 'queueMicrotask(() => 1)', []],
  ['an error class', 'src/base/limits.ts', 'export class A extends Error {}', []],
  ['a plain p-queue', 'src/storage/limits.ts', 'new PQueue({ concurrency: 1 })', []],
  ['the engine from mvcc', 'src/mvcc/limits.ts', `import '../storage/engine'`, []],
  ['its excepted module', 'src/base/checksum.ts', `import zlib from 'node:zlib'\nvoid zlib`, []],
  ['the door', 'src/runtime/node/limits.ts', `import fs from 'node:fs'\nvoid fs\nexport const a = Date.now()`, []],
  ['400 lines', 'src/base/limits.ts', 'export {}\n'.repeat(400), []],
]

/** Lints every piece with the rules of the project, in one process of eslint: jest cannot load its ES modules. */
function lint(): string[][] {
  const script = path.join(__dirname, 'lint-texts.mjs')
  const input = JSON.stringify(cases.map(([, file, text]) => ({ file, text })))
  const result = spawnSync(process.execPath, [script], { cwd: repository, input, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (result.status !== 0) throw new Error(`eslint failed: ${result.stderr}`)
  const messages = JSON.parse(result.stdout) as LintMessage[][]
  return messages.map((list) => list.map(({ ruleId, message }) => ruleId ?? message))
}

describe('lint', () => {
  const found = lint()
  const watched = new Set(cases.flatMap(([, , , rules]) => rules))

  test.each(cases.map((row, index) => [row[0], row, found[index]!] as const))(
    'the rules that say something about %s',
    (_what, [, , , rules], messages) => {
      expect(new Set(messages.filter((rule) => watched.has(rule)))).toEqual(new Set(rules))
    },
  )
})
