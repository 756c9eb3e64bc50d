/**
 * The reference and the page of limits are true: the example runs, every limit and every error is there.
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { printLimits } from '../../../scripts/print-limits'
import { LIMIT_NAMES } from '../../../src/base/limits'
import * as published from '../../../src/index'

const root = path.resolve(__dirname, '../../..')
const read = (name: string): string => readFileSync(path.join(root, 'docs', name), 'utf8')

test('docs/LIMITS.md is the table of limits, printed', () => {
  expect(read('LIMITS.md')).toBe(printLimits())
  for (const name of LIMIT_NAMES) expect(read('LIMITS.md')).toContain(`| \`${name}\` |`)
})

test('docs/API.md names every error and nothing that is not exported', () => {
  const errors = Object.keys(published).filter((name) => name.endsWith('Error'))
  const named = new Set(read('API.md').match(/\b[A-Z]\w+Error\b/g))
  expect([...named].sort()).toEqual(errors.sort())
})

test('the example of docs/API.md runs', () => {
  const before =
    `const before = await open('./data')\n` +
    `await before.transact((tx) => { for (const who of ['alice', 'bob']) tx.put(who, 'on') })\nawait before.close()\n`
  expect(runExample(read('API.md'), before)).toBe('alice off\nbob on\nplace in commit order: 3\n')
})

test('the example of README.md runs: one of two leaves', () => {
  const printed = runExample(readFileSync(path.join(root, 'README.md'), 'utf8'), '')
  expect(["[ 'left', 'stays' ]\n", "[ 'stays', 'left' ]\n"]).toContain(printed)
})

test.each(['README.md', 'CONTRIBUTING.md', ...readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`)])(
  'every link of %s leads to a file',
  (name) => {
    if (!name.endsWith('.md')) return
    const text = readFileSync(path.join(root, name), 'utf8')
    for (const [, target] of text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)) {
      expect({ target, exists: existsSync(path.resolve(root, path.dirname(name), target!)) }).toEqual({
        target,
        exists: true,
      })
    }
  },
)

/** What the first TypeScript example of a page prints, run with ts-node on a fresh directory; `before` runs first. */
function runExample(page: string, before: string): string {
  const example = /```ts\n(import \{ open[\s\S]*?)```/.exec(page)![1]!
  const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-example-'))
  try {
    const body = (before + example.replace(/^import .*\n/, '')).replaceAll(
      "'./data'",
      JSON.stringify(path.join(directory, 'data')),
    )
    const source = path.join(root, 'src/index')
    const program =
      `const { open, SerializationError } = require(${JSON.stringify(source)}) as typeof import('strictkv')\n` +
      `async function main() {\n${body}\n}\nvoid main()\n`
    writeFileSync(path.join(directory, 'example.ts'), program)
    writeFileSync(path.join(directory, 'tsconfig.json'), JSON.stringify({ extends: path.join(root, 'tsconfig.json') }))
    const hooks = path.join(root, 'node_modules/ts-node/register/transpile-only')
    const run = spawnSync(process.execPath, ['-r', hooks, path.join(directory, 'example.ts')], {
      encoding: 'utf8',
      cwd: root,
    })
    expect(run.stderr).toBe('')
    expect(readdirSync(path.join(directory, 'data')).length).toBeGreaterThan(0)
    return run.stdout
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
