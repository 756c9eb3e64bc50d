/** Whether a run met its targets, on samples made up to lie on either side. */
import type { Sample } from '../../../bench/support/figures'
import { TARGETS, judge, metric, shown } from '../../../bench/support/targets'
import type { Verdict } from '../../../bench/support/targets'

function verdictOn(name: string, rounds: readonly Readonly<Record<string, Sample>>[]): Verdict {
  const run = { rounds: rounds.map((samplesByCase) => ({ samplesByCase, loadBefore: 0, loadAfter: 0 })) }
  return judge(run).find((verdict) => verdict.name === name)!
}

test('every target is judged once, under a name of its own', () => {
  const verdicts = judge({ rounds: [] })
  expect(verdicts.map(({ name }) => name)).toEqual(TARGETS.map(({ name }) => name))
  expect(new Set(verdicts.map(({ name }) => name)).size).toBe(TARGETS.length)
  expect(verdicts.every(({ outcome }) => outcome === 'not measured')).toBe(true)
})

test('one client meets 60 % of the raw rate by the median of the ratios, not by one lucky round', () => {
  const round = (ofLimit: number): Record<string, Sample> => ({ 'durable-1': { ofLimit } })
  expect(verdictOn('durable, 1 client', [round(0.59), round(0.6), round(0.61)])).toMatchObject({ outcome: 'met' })
  expect(verdictOn('durable, 1 client', [round(0.59), round(0.59), round(5)])).toMatchObject({ outcome: 'missed' })
})

test('a round whose disk was unsteady has no ratio and does not count', () => {
  const rounds = [{ 'durable-1': { unsteady: 1, perSecond: 1 } }, { 'durable-1': { ofLimit: 0.9 } }]
  expect(verdictOn('durable, 1 client', rounds)).toMatchObject({ outcome: 'met' })
  expect(verdictOn('durable, 1 client', [rounds[0]!])).toMatchObject({ outcome: 'not measured' })
})

test.each([
  ['by rate alone', { perSecond: 100_000, commitsPerSync: 1, syncsOfLimit: 0.1, ofLimit: 0.1 }, 'met'],
  [
    'by commits per sync at full sync rate',
    { perSecond: 9, commitsPerSync: 12, syncsOfLimit: 0.9, ofLimit: 10.8 },
    'met',
  ],
  [
    'by few syncs that are each worth several',
    { perSecond: 9, commitsPerSync: 24, syncsOfLimit: 0.5, ofLimit: 12 },
    'met',
  ],
  [
    'not by large groups seldom synced',
    { perSecond: 9, commitsPerSync: 64, syncsOfLimit: 0.1, ofLimit: 6.4 },
    'missed',
  ],
  [
    'not by a full sync rate with small groups',
    { perSecond: 9, commitsPerSync: 11.9, syncsOfLimit: 1, ofLimit: 11.9 },
    'missed',
  ],
  [
    'not judged where the rate falls short and the disk was unsteady',
    { perSecond: 9, commitsPerSync: 64 },
    'not measured',
  ],
])('64 clients: %s', (_, sample, outcome) => {
  expect(verdictOn('durable, 64 clients', [{ 'durable-64': sample }])).toMatchObject({ outcome })
})

test('serializable is compared with snapshot isolation round by round', () => {
  const round = (one: number, other: number): Record<string, Sample> => ({
    'os-64': { perSecond: one },
    'os-64-snapshot': { perSecond: other },
  })
  const name = "serializable against snapshot, 'os'"
  // Between rounds the machine became ten times slower; within each round the ratio is 0.9.
  expect(verdictOn(name, [round(900, 1000), round(90, 100)])).toMatchObject({ outcome: 'met' })
  expect(verdictOn(name, [round(84, 100)])).toMatchObject({ outcome: 'missed' })
})

test('a verdict says what was reached and what was asked', () => {
  const { reached } = verdictOn('db.get, zipfian', [{ 'get-zipfian': { perSecond: 123_456 } }])
  expect(reached).toBe('123,456 (>= 350,000) reads/s')
})

test('numbers are shown with three digits that count', () => {
  expect([0, 0.01234, 1.2345, 12.345, 123.45, 1234567].map(shown)).toEqual(['0', '0.0123', '1.23', '12.3', '123', '1,234,567']) // prettier-ignore
})

test('a goal may be a ceiling, and a list of targets may be given', () => {
  const goal = metric('load', 'amplification', { text: 'bytes written for a byte', atMost: 10 })
  const outcome = (amplification: number): string | undefined => {
    const rounds = [{ samplesByCase: { load: { amplification } }, loadBefore: 0, loadAfter: 0 }]
    const [verdict] = judge({ rounds }, [{ name: 'amplification', alternatives: [[goal]] }])
    return `${verdict?.outcome ?? ''}: ${verdict?.reached ?? ''}`
  }
  expect(outcome(10)).toBe('met: 10 (<= 10) bytes written for a byte')
  expect(outcome(10.1)).toBe('missed: 10.1 (<= 10) bytes written for a byte')
})
