/**
 * Writes what was played on a page: the two levels side by side, the verdicts, and the report of each abort with its cycle drawn.
 *
 * Pinned by test/cli/demo.test.ts.
 */
import { drawCycle } from '../cycle-drawing'
import type { Paint } from '../paint'
import type { Page } from './page'
import { tableRow } from './page'
import type { Beat, Level, Played, Story, Tally } from './stage'
import { LEVELS } from './stage'

/** One story at both levels. */
export function showStory(page: Page, story: Story, played: Readonly<Record<Level, Played>>): void {
  const { snapshot, serializable } = played
  const { paint, say } = page
  page.heading(`${story.title}: ${story.moral}`)
  const lines = (beats: readonly Beat[]): string[] => beats.map((beat) => beatLine(beat, paint))
  page.sideBySide(
    [paint.bold('snapshot isolation'), ...lines(snapshot.beats)],
    [paint.bold('strict serializability'), ...lines(serializable.beats)],
  )
  say()
  say(`snapshot isolation:      ${verdict(story, snapshot.held, paint)}`)
  say(`strict serializability:  ${verdict(story, serializable.held, paint)}`)
  for (const error of serializable.lost) {
    say()
    page.sayWrapped(error.message)
    for (const line of drawCycle(error.report, paint)) say(line)
  }
}

/** The table of the random orders. */
export function showTallies(
  page: Page,
  tallies: readonly Tally[],
  options: { readonly runs: number; readonly seed: number },
): void {
  const { runs, seed } = options
  const { paint, say } = page
  page.heading(`${runs} random orders of each, seed ${seed}`)
  say(paint.bold(tableRow(['', 'snapshot isolation', 'strict serializability'])))
  for (const { story, held } of tallies) {
    const cells = LEVELS.map((level) => {
      const violated = runs - held[level]
      const part = violated > 0 ? paint.red(`${violated} violated`) : paint.green('0 violated')
      return `${held[level]} held, ${part}`
    })
    say(tableRow([story.title, ...cells]))
  }
  say(paint.dim(`The same again: strictkv demo write-skew --runs ${runs} --seed ${seed}`))
}

function beatLine({ actor, did, kind }: Beat, paint: Paint): string {
  if (kind === 'again') return paint.dim(`${actor} ${did}`)
  if (kind === 'abort') return `${actor} ${paint.yellow(did)}`
  return `${actor} ${kind === 'commit' ? paint.green(did) : did}`
}

function verdict(story: Story, held: boolean, paint: Paint): string {
  return held ? paint.green(`held: ${story.rule}`) : paint.red(paint.bold(`VIOLATED: ${story.rule}`))
}
