/** The program as a process: what only a real one has, streams that break, Ctrl-C, pipes, and its exit codes. */
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { open } from '../../src/index'
import { runCommand, useDirectories } from './test-terminal'

const createDirectory = useDirectories()
const program = path.join(__dirname, '../../dist/cli.js')

/** How a process ended. */
interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** Runs the program; `onOut` is told of what it prints, and may send it a signal. */
function start(
  words: readonly string[],
  onOut?: (text: string, child: ReturnType<typeof spawn>) => void,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      onOut?.(out, child)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, out, err }))
  })
}

/** A database of so many rows of 1,000 bytes. */
async function databaseOf(rows: number): Promise<string> {
  const directory = createDirectory()
  const db = await open(directory, { logMode: 'inline', backgroundMode: 'inline' })
  const value = Buffer.alloc(1000, 0x61)
  await db.load(Array.from({ length: rows }, (_, row): [string, Buffer] => [`k${String(row).padStart(6, '0')}`, value]))
  await db.close()
  return directory
}

test('the built file is a program, and says its version', () => {
  expect(statSync(program).mode & 0o111).toBe(0o111)
  const { status, stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^strictkv \d+\.\d+\.\d+ \(node /)
})

test('a pipe from one database into another, and a reader that stops early', async () => {
  const directory = await databaseOf(5000)
  const copy = path.join(createDirectory(), 'copy')
  const strictkv = `${JSON.stringify(process.execPath)} ${JSON.stringify(program)}`
  const shell = (line: string): Outcome => {
    const { status, signal, stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' })
    return { code: status, signal, out: stdout, err: stderr }
  }
  const piped = shell(`set -o pipefail; ${strictkv} dump ${directory} | ${strictkv} restore ${copy}`)
  expect(piped).toMatchObject({ code: 0, err: '' })
  expect(piped.out).toContain('5,000 rows')
  const early = shell(`${strictkv} scan ${directory} | head -1; echo "\${PIPESTATUS[0]}"`)
  expect(early.err).toBe('')
  expect(early.out).toMatch(/^"k000000"\t"a+"\n141\n$/)
})

test('an output that cannot be written is an error that is told, not a reader that left', async () => {
  const directory = await databaseOf(100)
  const file = path.join(createDirectory(), 'backup.dump')
  // A file may have 1 KiB here: what a full disk does, without one.
  const line = `trap '' XFSZ; ulimit -f 1; exec ${JSON.stringify(process.execPath)} ${JSON.stringify(program)} dump ${directory} > ${file}`
  const { status, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([1, 'strictkv: Cannot write the output: EFBIG: file too large, write\n'])
})

test('Ctrl-C ends a long command with 130, and nothing of it is left', async () => {
  const top = createDirectory()
  const { code, signal, err } = await start(['bench', path.join(top, 'data'), '--seconds', '600'], (_out, child) =>
    child.kill('SIGINT'),
  )
  expect([code, signal, err]).toEqual([130, null, 'strictkv: interrupted\n'])
  expect(readdirSync(top)).toEqual([])
})

test.each([1, 2])(
  'Ctrl-C, pressed %d times, ends a command whose output nobody takes, and the database opens',
  async (times) => {
    const directory = await databaseOf(2000)
    // Two million characters do not fit a pipe: the program waits for a reader that never comes.
    const child = spawn(process.execPath, [program, 'scan', directory], { stdio: ['ignore', 'pipe', 'ignore'] })
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
    await new Promise((resolve) => child.stdout.once('readable', resolve))
    for (let press = 0; press < times; press++) child.kill('SIGINT')
    expect(await ended).toBe(130)
    child.stdout.destroy()
    expect((await runCommand(['get', directory, 'k001999'])).code).toBe(0)
  },
)

test('a database that this process has open is exit code 3 for another', async () => {
  const directory = createDirectory()
  const db = await open(directory, { logMode: 'inline', backgroundMode: 'inline' })
  await db.put('a', '1')
  const { code, out, err } = await start(['get', directory, 'a'])
  expect([code, out]).toEqual([3, ''])
  expect(err).toContain(`pid ${process.pid}`)
  expect(String(await db.get('a'))).toBe('1')
  await db.close()
})
