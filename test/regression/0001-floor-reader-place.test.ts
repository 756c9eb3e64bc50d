/**
 * Regression 1: a report named, for the edge out of a read-only reader, the place where its scan began, not the key that was
 * overwritten. Found by the report check of the random campaign.
 */
import { createStoreSubject } from '../support/harness/store-subject'
import { Auditor } from '../support/oracle/auditor'

test('the edge out of a declared reader names a key that it read and that the victim writes', async () => {
  const subject = createStoreSubject()
  const auditor = new Auditor(subject.store)
  subject.onAbort = (report) => auditor.onAbort(report)
  const publish = (): void => {
    subject.publishThrough(auditor.decided)
    auditor.onPublished(auditor.decided)
  }
  const setup = auditor.begin()
  for (const key of ['a', 'b', 'c', 'd', 'x']) setup.put(key, '0')
  void setup.commit()
  publish()
  const victim = auditor.begin({ label: 'victim' })
  await victim.get('x')
  const winner = auditor.begin({ label: 'winner' })
  winner.put('x', '1')
  void winner.commit()
  publish()
  const reader = auditor.begin({ readOnly: true, label: 'reader' })
  await reader.scan({ start: 'a', end: 'e' })
  victim.put('d', '1')
  await expect(victim.commit()).resolves.toBe('refused')
  expect(auditor.counts.needlessAborts).toBe(0)
  expect(auditor.reportFault).toBeUndefined()
  const edge = victim.report?.cycle.find(({ from }) => from.label === 'reader')
  expect(edge).toBeDefined()
})
