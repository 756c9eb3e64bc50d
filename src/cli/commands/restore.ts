/**
 * `strictkv restore DIR [FILE]`: a new database out of a dump, read back and compared before it appears under its name.
 *
 * It is made in a directory beside DIR and renamed at the end: whatever goes wrong, DIR is there whole or not at all.
 */
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { dump, loadDump } from '../../index'
import type { LoadDumpReceipt } from '../../index'
import { verify } from '../../offline'
import { answer } from '../answer'
import { CommandError, UsageError } from '../cli-errors'
import type { Command, Invocation } from '../command'
import { EXIT_DONE } from '../exit-codes'
import { bytesText, countOf } from '../figures'
import { argument } from '../invocation'
import { withDatabase } from '../open-database'
import { startProgress } from '../progress'
import { openInput, syncDirectory } from '../streams'
import { startLoading } from './load'

export const restoreCommand: Command = {
  name: 'restore',
  summary: 'make a new database of a dump, and check it',
  positionals: ['DIR', '[FILE]'],
  options: [],
  help: {
    about: [
      'Makes the directory DIR, which must not exist or be empty, loads the dump from FILE or standard input, closes the database, verifies every file, opens it again, reads every row back and compares the number of rows and their checksum with the dump. Only then does it appear under its name, synced.',
      'What is wrong with a dump is said with line and column; then there is no DIR.',
    ],
    examples: [
      { want: 'a database out of a backup', line: 'strictkv restore ./data backup.dump' },
      { want: 'out of a compressed one', line: 'gunzip -c backup.dump.gz | strictkv restore ./data' },
    ],
  },
  run: async (invocation) => {
    const target = argument(invocation, 0)
    checkTarget(target)
    const input = openInput(invocation.terminal, invocation.positionals[1])
    const parent = path.dirname(path.resolve(target))
    await mkdir(parent, { recursive: true })
    const directory = await mkdtemp(path.join(parent, `.${path.basename(path.resolve(target))}.restore-`))
    try {
      const loading = startLoading(invocation, input)
      const receipt = await withDatabase(invocation, { directory, create: true }, (db) =>
        loadDump(db, loading.chunks, { name: input.name }),
      ).finally(() => loading.end())
      await checkFiles(invocation, directory)
      await compareContents(invocation, directory, receipt)
      await rename(directory, target)
      await syncDirectory(parent)
      const { rows, bytes, checksum } = receipt
      answer(invocation, { directory: target, rows, bytes, checksum }, [
        `${target}: ${countOf(rows, 'row')}, ${bytesText(bytes)} of keys and values, verified, read back and compared`,
      ])
      return EXIT_DONE
    } catch (error) {
      await rm(directory, { recursive: true, force: true })
      throw error
    }
  },
}

function checkTarget(target: string): void {
  if (target === '') throw new UsageError('Cannot restore into "": name a directory')
  if (!existsSync(target)) return
  let names: string[]
  try {
    names = readdirSync(target)
  } catch (error) {
    throw new UsageError(`Cannot restore into ${target}: it is no directory that can be read`, { cause: error })
  }
  if (names.length > 0) throw new UsageError(`Cannot restore into ${target}: it is not empty; name a new directory`)
}

/** Every checksum, order and bound of the new files. */
async function checkFiles(invocation: Invocation, directory: string): Promise<void> {
  const { ok, damages } = await verify(directory, { signal: invocation.terminal.signal })
  if (!ok) throw new CommandError(`Cannot restore: the new files are damaged: ${damages[0]?.what ?? 'unknown'}`)
}

/** Opens the database again and compares what it holds with what was loaded. */
async function compareContents(invocation: Invocation, directory: string, loaded: LoadDumpReceipt): Promise<void> {
  const progress = startProgress(invocation, { what: 'reading back', unit: 'rows' })
  try {
    const end = await withDatabase(invocation, { directory, readOnly: true }, async (db) => {
      let last: Buffer = Buffer.alloc(0)
      for await (const chunk of dump(db, { onProgress: ({ rows }) => progress.update(rows, loaded.rows) })) {
        invocation.terminal.signal.throwIfAborted()
        last = chunk
      }
      return lastLine(last)
    })
    if (end.rows === loaded.rows && end.checksum === loaded.checksum) return
    throw new CommandError(
      `Cannot restore: ${loaded.rows} rows with checksum ${loaded.checksum} were loaded, and ${end.rows} with checksum ${end.checksum} came back`,
    )
  } finally {
    progress.end()
  }
}

function lastLine(chunk: Buffer): { readonly rows: number; readonly checksum: string } {
  const line = chunk.toString('utf8').trimEnd().split('\n').at(-1) ?? ''
  return JSON.parse(line) as { rows: number; checksum: string }
}
