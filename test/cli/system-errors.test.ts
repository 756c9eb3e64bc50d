/** What the operating system says becomes a sentence that begins like all others. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isSystemError, systemErrorReason, systemErrorText } from '../../src/cli/system-errors'
import { open } from '../../src/index'
import { runCommand, useDirectories } from './test-terminal'

const createDirectory = useDirectories()

function errorOf(fail: () => unknown): unknown {
  try {
    fail()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

test('names what could not be done, to which file, and why', () => {
  const directory = createDirectory()
  const error = errorOf(() => readdirSync(path.join(directory, 'none')))
  expect(isSystemError(error) && systemErrorText(error)).toBe(
    `Cannot list ${path.join(directory, 'none')}: ENOENT: no such file or directory`,
  )
  // A path may have commas of its own.
  const comma = errorOf(() => readFileSync(path.join(directory, 'a, open')))
  expect(systemErrorReason(comma)).toBe('ENOENT: no such file or directory')
  expect(systemErrorReason(new Error('no room, write less'))).toBe('no room, write less')
})

test('a dump and a picture that cannot be written are named as they were asked for', async () => {
  const top = createDirectory()
  const directory = path.join(top, 'data')
  await (await open(directory)).close()
  // A name too long for the system, whoever asks: the user of a container may write everywhere.
  const name = path.join(top, 'n'.repeat(300))
  const dumped = await runCommand(['dump', directory, name])
  expect(dumped).toEqual({ code: 1, out: '', err: `strictkv: Cannot write ${name}: ENAMETOOLONG: name too long\n` })
  const drawn = await runCommand(['inspect', 'tree', directory, '--svg', `${name}.svg`])
  expect(drawn).toEqual({ code: 1, out: '', err: `strictkv: Cannot write ${name}.svg: ENAMETOOLONG: name too long\n` })
  writeFileSync(path.join(top, 'file'), '')
  const restored = await runCommand(['restore', path.join(top, 'file', 'data')], { input: 'x' })
  expect(restored.err).toMatch(/^strictkv: Cannot create directory .*: EEXIST: file already exists\n$/)
  expect(readdirSync(top).sort()).toEqual(['data', 'file'])
})
