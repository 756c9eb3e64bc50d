/**
 * The reference and the page of limits are true: the example runs, every limit and every error is there.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
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
  const example = /```ts\n(import \{ open[\s\S]*?)```/.exec(read('API.md'))![1]!
  const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-example-'))
  try {
    const body = example.replace(/^import .*\n/, '').replace("'./data'", JSON.stringify(path.join(directory, 'data')))
    const source = path.join(root, 'src/index')
    const program =
      `const { open, SerializationError } = require(${JSON.stringify(source)}) as typeof import('strictkv')\n` +
      `async function main() {\nconst before = await open(${JSON.stringify(path.join(directory, 'data'))})\n` +
      `await before.transact((tx) => { for (const who of ['alice', 'bob']) tx.put(who, 'on') })\nawait before.close()\n` +
      `${body}\n}\nvoid main()\n`
    writeFileSync(path.join(directory, 'example.ts'), program)
    writeFileSync(path.join(directory, 'tsconfig.json'), JSON.stringify({ extends: path.join(root, 'tsconfig.json') }))
    const hooks = path.join(root, 'node_modules/ts-node/register/transpile-only')
    const run = spawnSync(process.execPath, ['-r', hooks, path.join(directory, 'example.ts')], {
      encoding: 'utf8',
      cwd: root,
    })
    expect(run.stderr).toBe('')
    expect(run.stdout).toBe('alice off\nbob on\nplace in commit order: 3\n')
    expect(readdirSync(path.join(directory, 'data')).length).toBeGreaterThan(0)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
