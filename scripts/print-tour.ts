/**
 * The guided tour of docs/OPERATIONS.md: runs its commands and compares what they print, or prints the page with their true output:
 *
 *     npm run build && npx ts-node scripts/print-tour.ts > /tmp/page && mv /tmp/page docs/OPERATIONS.md
 *
 * In a ```console block a line that begins with `$ ` is a command, run by bash in a real directory with `strictkv` on the PATH; the
 * lines behind it are its output, standard error included, and `(exit code N)` where it is not 0. `...` stands for any lines. The
 * first section makes a database; every other one (each begins with `## `) runs in its own copy of what the first has left.
 * Before comparing, what differs between runs and machines is masked: times, rates, sizes, numbers of
 * files, dates, process numbers, versions.
 *
 * Pinned by test/cli/tour.test.ts, which runs every section.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** One command of a block, and the output that the page shows; `line` is that of the command in the page, from 0. */
export interface TourStep {
  readonly command: string
  readonly line: number
  readonly output: readonly string[]
}

/** What stands under one heading. */
export interface TourSection {
  readonly title: string
  readonly steps: readonly TourStep[]
}

const root = path.dirname(__dirname)

/** The sections that have commands. */
export function parseTour(page: string): TourSection[] {
  const sections: { title: string; steps: { command: string; line: number; output: string[] }[] }[] = []
  let isInside = false
  page.split('\n').forEach((text, line) => {
    if (text.startsWith('## ') && !isInside) sections.push({ title: text.slice(3), steps: [] })
    else if (text.startsWith('```')) isInside = text === '```console'
    else if (isInside && text.startsWith('$ ')) {
      sections.at(-1)?.steps.push({ command: text.slice(2), line, output: [] })
    } else if (isInside) sections.at(-1)?.steps.at(-1)?.output.push(text)
  })
  return sections.filter((section) => section.steps.length > 0)
}

/** A line without what differs between runs and machines. */
export function mask(line: string): string {
  return line
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<date>')
    .replace(/\bpid \d+/g, 'pid <number>')
    .replace(/\bprocess \d+/g, 'process <number>')
    .replace(/\bnonce [0-9a-f]{16}\b/g, 'nonce <nonce>')
    .replace(/\bnode v?\d+\.\d+\.\d+/gi, 'node <version>')
    .replace(/\bstrictkv \d+\.\d+\.\d+\S*/gi, 'strictkv <version>')
    .replace(/\(node <version>, \w+ \w+\)/g, '(node <version>, <system>)')
    .replace(/\b\d[\d.,]* (us|ms|s|min)\b/g, '<time>')
    .replace(/"(ms|\w+Ms)":[\d.]+/g, '"$1":<time>')
    .replace(/\b\d[\d,.]* (syncs|commits|gets|rows)(?= +<time>)/g, '<rate> $1')
    .replace(/\b\d[\d,.]* (bytes?|KiB|MiB|GiB)\b/g, '<size>')
    .replace(/\b\d{10}\.(log|table|manifest)\b/g, '<number>.$1')
    .replace(/^\d+ files,/, '<count> files,')
    .replace(/database-mark: [0-9a-f]+/, 'database-mark: <random>')
    .replace(/\/tmp\/[\w./-]+/g, '<path>')
    .replace(/ +/g, ' ')
    .trimEnd()
}

/** Whether the output is that of the page, but for what is masked. */
export function matches(shown: readonly string[], actual: readonly string[]): boolean {
  const [first, ...rest] = shown
  if (first === undefined) return actual.length === 0
  if (first === '...') return actual.some((_, index) => matches(rest, actual.slice(index))) || matches(rest, [])
  return actual.length > 0 && mask(first) === mask(actual[0]!) && matches(rest, actual.slice(1))
}

/** The world of a tour: a folder with the program on the PATH. Remove it at the end. */
export class TourWorld {
  readonly #top = mkdtempSync(path.join(tmpdir(), 'strictkv-tour-'))
  readonly #first = path.join(this.#top, 'first')
  #sections = 0

  constructor() {
    mkdirSync(path.join(this.#top, 'bin'))
    mkdirSync(this.#first)
    const program = `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(path.join(root, 'dist/cli.js'))} "$@"\n`
    writeFileSync(path.join(this.#top, 'bin', 'strictkv'), program, { mode: 0o755 })
  }

  /** The output of each step. The first section must be run first. */
  run(section: TourSection): string[][] {
    let directory = this.#first
    if (this.#sections++ > 0) {
      directory = path.join(this.#top, `section-${this.#sections}`)
      cpSync(this.#first, directory, { recursive: true })
    }
    return section.steps.map(({ command }) => this.#runStep(command, directory))
  }

  remove(): void {
    rmSync(this.#top, { recursive: true, force: true })
  }

  #runStep(command: string, directory: string): string[] {
    // What a person's own settings would change is left out, so that the page is the same for everybody.
    const env = {
      PATH: `${path.join(this.#top, 'bin')}:${process.env['PATH'] ?? ''}`,
      HOME: this.#top,
      DEMOS: path.join(root, 'demos'),
      LC_ALL: 'C.UTF-8',
      NO_COLOR: '1',
    }
    const { stdout, status } = spawnSync('bash', ['-c', `{ ${command}\n} 2>&1`], { cwd: directory, env, encoding: 'utf8', input: '', timeout: 60_000 }) // prettier-ignore
    const lines = stdout === '' ? [] : stdout.replace(/\n$/, '').split('\n')
    return status === 0 ? lines : [...lines, `(exit code ${status})`]
  }
}

/** The page with the true output where it shows another one. */
export function printTour(page: string): string {
  const lines = page.split('\n')
  const world = new TourWorld()
  const edits: { from: number; count: number; output: readonly string[] }[] = []
  try {
    for (const section of parseTour(page)) {
      world.run(section).forEach((output, index) => {
        const step = section.steps[index]!
        if (!matches(step.output, output)) edits.push({ from: step.line + 1, count: step.output.length, output })
      })
    }
  } finally {
    world.remove()
  }
  for (const { from, count, output } of edits.reverse()) lines.splice(from, count, ...output)
  return lines.join('\n')
}

if (require.main === module)
  process.stdout.write(printTour(readFileSync(path.join(root, 'docs/OPERATIONS.md'), 'utf8')))
