/**
 * Commits that were acknowledged stayed in the queue until it ran empty. Under a load that kept the log busy it never did: every
 * transaction since was held, some 1.4 KB each, until the heap was gigabytes and collecting it took longer than the commits.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Acknowledgements } from '../../src/mvcc/acknowledgements'
import type { PendingCommit } from '../../src/mvcc/acknowledgements'

const COMMITS = 10_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** As many commits as `COMMITS`, told one by one while always one more waits. Weak references to them all. */
function commitSteadily(acknowledgements: Acknowledgements): readonly WeakRef<PendingCommit>[] {
  const commits: WeakRef<PendingCommit>[] = []
  for (let sequence = 1; sequence <= COMMITS; sequence++) {
    const commit: PendingCommit = { commitSequence: sequence, acknowledged: () => undefined }
    commits.push(new WeakRef(commit))
    acknowledgements.addCommit(commit)
    acknowledgements.publish(sequence - 1)
    expect(acknowledgements.size).toBe(1)
  }
  return commits
}

test('whoever is acknowledged is let go, even if the queue never runs empty', async () => {
  const acknowledgements = new Acknowledgements()
  const commits = commitSteadily(acknowledgements)
  // A weak reference holds its object until the end of the turn in which it was made.
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  const held = commits.flatMap((commit) => commit.deref()?.commitSequence ?? [])
  expect(held).toEqual([COMMITS])
  expect(acknowledgements.size).toBe(1)
})
