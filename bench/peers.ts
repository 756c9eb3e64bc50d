/**
 * `npm run bench:peers`: this store beside lmdb, classic-level and better-sqlite3, interleaved, one process each.
 *
 * What is measured, and what has to be reached, is support/peer-catalogue.ts; how each engine is asked, support/contender.ts;
 * why the comparison is fair, bench/peers/README.md. The other engines are installed into bench/peers when they are not
 * there. Exit code 0 says that everything was measured, not that every target was met.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { withBenchDirectory } from './support/bench-directory'
import { conduct } from './support/conductor'
import type { Run } from './support/conductor'
import { PEERS_USAGE, parsePeerOptions } from './support/options'
import type { PeerOptions } from './support/options'
import { OURS, peerCases } from './support/peer-catalogue'
import { peerTablesOf } from './support/peer-report'
import { circumstancesOf } from './support/report'
import { note, printReport, runTool, say } from './support/terminal'

const PEERS_DIRECTORY = path.join(__dirname, 'peers')
/** As many as clients wait for at a time, since engines that use the shared pool group what its threads bring. */
const POOL_THREADS = 128

/** Installs the other engines from their lock file, unless that was done since it last changed. */
function install(): void {
  const changedMs = (file: string): number => statSync(path.join(PEERS_DIRECTORY, file), { throwIfNoEntry: false })?.mtimeMs ?? 0 // prettier-ignore
  if (changedMs('node_modules/.package-lock.json') > changedMs('package-lock.json')) return
  note('installing the other engines')
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: PEERS_DIRECTORY,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
}

function measure(options: PeerOptions): Promise<Run> {
  const { rounds, sampleMs, warmUpMs, rows } = options
  const cases = peerCases(options.engines, options.only)
  if (!cases.every(({ process: name }) => name.endsWith(`-${OURS}`))) install()
  const environment = { UV_THREADPOOL_SIZE: String(POOL_THREADS) }
  const module = 'peer-process'
  return withBenchDirectory(options.directory, (directory) =>
    conduct({ cases, rounds, sampleMs, warmUpMs, rows, directory, onProgress: note, module, environment }),
  )
}

async function main(): Promise<void> {
  const options = parsePeerOptions(process.argv.slice(2))
  if (options.help) {
    say(PEERS_USAGE)
    return
  }
  const run =
    options.from === undefined ? await measure(options) : (JSON.parse(readFileSync(options.from, 'utf8')) as Run)
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(run, undefined, 1)}\n`)
  printReport(circumstancesOf(run), peerTablesOf(run), options.markdown)
}

runTool(main)
