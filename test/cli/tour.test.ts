/** The guided tour of docs/OPERATIONS.md: every command prints what the page shows. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { TourWorld, mask, matches, parseTour } from '../../scripts/print-tour'
import { COMMANDS } from '../../src/cli/commands'

const page = readFileSync(path.join(__dirname, '../../docs/OPERATIONS.md'), 'utf8')
const sections = parseTour(page)
const world = new TourWorld()
afterAll(() => world.remove())

// The first one makes the database that the others begin with, so they stand in the order of the page.
test.each(sections.map((section) => [section.title, section] as const))(
  'section "%s"',
  (_title, section) => {
    const outputs = world.run(section)
    const wrong = section.steps.filter((step, index) => !matches(step.output, outputs[index]!))
    // What is not as on the page is shown beside it.
    expect(wrong.map((step) => [step.command, ...outputs[section.steps.indexOf(step)]!.map(mask)])).toEqual(
      wrong.map((step) => [step.command, ...step.output.map(mask)]),
    )
    expect(wrong).toEqual([])
  },
  120_000,
)

test('the tour shows every command', () => {
  const commands = sections.flatMap((section) => section.steps.map((step) => step.command)).join('\n')
  const missing = COMMANDS.filter(({ name }) => !new RegExp(`strictkv ${name}\\b`).test(commands))
  expect(missing.map(({ name }) => name)).toEqual([])
})

describe('the comparison', () => {
  test('masks what differs between runs, and nothing else', () => {
    expect(mask('took 12 ms, 1.2 MiB, pid 77')).toBe(mask('took 3.4 s, 700 bytes, pid 8'))
    expect(mask('3 tables')).not.toBe(mask('4 tables'))
    expect(mask('{"rows":3,"ms":12}')).not.toBe(mask('{"rows":4,"ms":12}'))
  })

  test('takes dots for any lines', () => {
    expect(matches(['a', '...', 'd'], ['a', 'b', 'c', 'd'])).toBe(true)
    expect(matches(['a', '...'], ['a'])).toBe(true)
    expect(matches(['...', 'd'], ['a', 'e'])).toBe(false)
    expect(matches(['a'], ['a', 'b'])).toBe(false)
    expect(matches([], [])).toBe(true)
  })

  test('finds commands, their output and their sections', () => {
    const text = '# T\n\n## A\n\n```console\n$ x y\none\n$ z\n```\n\n## B\n\n```sh\n$ not this\n```\n'
    expect(parseTour(text)).toEqual([
      { title: 'A', steps: [{ command: 'x y', line: 5, output: ['one'] }, { command: 'z', line: 7, output: [] }] },
    ]) // prettier-ignore
  })
})
