/**
 * The demo does what it says: every anomaly is shown under snapshot isolation, none under strict serializability.
 */
import { existsSync } from 'node:fs'
import { runCommand } from './test-terminal'

test('shows four violations under snapshot isolation, none under strict serializability, each abort explained', async () => {
  const { code, out, err } = await runCommand(['demo', 'write-skew', '--runs', '5', '--seed', '7'])
  expect([code, err]).toEqual([0, ''])
  expect(out.match(/^snapshot isolation: +VIOLATED: /gm)).toHaveLength(4)
  expect(out.match(/^strict serializability: +held: /gm)).toHaveLength(4)
  expect(out.match(/is aborted/g)).toHaveLength(4)
  expect(out.match(/╭─▶/g)).toHaveLength(4)
  expect(out).toContain('bob stays: the other one is off already')
  expect(out).toContain('5 random orders of each, seed 7')
  expect(out.match(/5 held, 0 violated *$/gm)).toHaveLength(4)
  expect(out).not.toContain('\x1b[')
})

test('leaves nothing behind', async () => {
  const { out } = await runCommand(['demo'])
  const directory = /runs on disk, in (.*)\.$/m.exec(out)?.[1]
  expect(directory).toBeDefined()
  expect(existsSync(directory!)).toBe(false)
})

test('gives the same as one document', async () => {
  const { out } = await runCommand(['demo', '--json', '--runs', '2', '--seed', '7'])
  const document = JSON.parse(out) as { stories: { snapshot: { held: boolean }; serializable: { held: boolean; aborts: string[] } }[]; randomOrders: { held: { serializable: number }[] } } // prettier-ignore
  expect(document.stories.map((story) => story.snapshot.held)).toEqual([false, false, false, false])
  expect(document.stories.map((story) => story.serializable.held)).toEqual([true, true, true, true])
  expect(document.stories.every((story) => story.serializable.aborts.length > 0)).toBe(true)
  expect(document.randomOrders.held.map((held) => held.serializable)).toEqual([2, 2, 2, 2])
})

test.each([
  [['demo', '--runs', 'many'], 'strictkv: Cannot use "many" as --runs: give a whole number from 0 to 1000000\n'],
  [['demo', 'phantoms'], 'strictkv: Cannot show the demo "phantoms": there is write-skew\n'],
])('says what is wrong with %j', async (words, sentence) => {
  expect(await runCommand(words)).toEqual({ code: 2, out: '', err: sentence })
})
