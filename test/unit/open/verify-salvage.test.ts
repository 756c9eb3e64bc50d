/** `verify`, `salvage` and `db.verify` as applications call them, on the real file system. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseLockedError, InvalidArgumentError, open, salvage, verify } from '../../../src/index'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'strictkv-verify-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const at = (name: string): string => path.join(directory, name)

async function fill(): Promise<void> {
  const db = await open(at('db'))
  for (let i = 0; i < 50; i++) await db.put(`key ${i}`, `value ${i}`)
  await db.flush()
  await db.put('logged', 'too')
  await db.close()
}

function contents(name: string): Map<string, string> {
  const files = readdirSync(at(name)).filter((file) => file !== 'LOCK')
  return new Map(
    files.map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(path.join(at(name), file)))
        .digest('hex'),
    ]),
  )
}

/** Flips a bit of the first byte of the first table. */
function spoil(): void {
  const file = readdirSync(at('db')).find((name) => name.endsWith('.table'))!
  const bytes = readFileSync(path.join(at('db'), file))
  bytes[0]! ^= 1
  writeFileSync(path.join(at('db'), file), bytes)
}

test('a sound database is found sound, closed and open', async () => {
  await fill()
  expect(await verify(at('db'))).toMatchObject({ ok: true, damages: [], sequence: 51 })
  const db = await open(at('db'))
  expect(await db.verify()).toMatchObject({ ok: true, damages: [], sequence: 51 })
  await expect(verify(at('db'))).rejects.toThrow(DatabaseLockedError)
  await db.close()
})

test('a damaged one is told of by both, is left as it is, and what is readable is saved', async () => {
  await fill()
  spoil()
  const before = contents('db')
  expect((await verify(at('db'))).damages).toHaveLength(1)
  const report = await salvage(at('db'), at('saved'))
  expect(contents('db')).toEqual(before)
  expect(report).toMatchObject({ complete: false, manifest: 'whole' })
  expect(String(report.losses[0]!.range.start)).toBe('key 0')
  expect(await verify(at('saved'))).toMatchObject({ ok: true })
  const db = await open(at('db'), { readOnly: true })
  expect((await db.verify()).damages).toHaveLength(1)
  await db.close()
  const saved = await open(at('saved'))
  expect(String(await saved.get('logged'))).toBe('too')
  await saved.close()
})

test('bad input is refused, and nothing is made', async () => {
  await fill()
  const calls: readonly (() => Promise<unknown>)[] = [
    () => verify(''), () => verify(at('nowhere')), () => verify(directory), () => verify(at('db'), { onProgress: 3 } as never),
    () => verify(at('db'), { signal: {} } as never), () => verify(at('db'), { more: 1 } as never), () => salvage(at('db'), ''),
    () => salvage(at('db'), at('db')), () => salvage(at('nowhere'), at('new')), () => salvage(at('db'), at('new'), { takeLoads: 1 } as never),
  ] // prettier-ignore
  for (const call of calls) await expect(call()).rejects.toThrow(InvalidArgumentError)
  expect(readdirSync(directory)).toEqual(['db'])
  const db = await open(at('db'))
  await expect(db.verify({ onProgress: 'x' } as never)).rejects.toThrow(InvalidArgumentError)
  await db.close()
})
