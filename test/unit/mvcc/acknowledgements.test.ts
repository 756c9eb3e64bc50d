/**
 * Acknowledgements come in commit order, in the step that publishes, and tell the truth after the log has failed.
 */
import { Acknowledgements, createPoisonedError } from '../../../src/mvcc/acknowledgements'

function createWorld(): {
  readonly acknowledgements: Acknowledgements
  /** Who was told, in order: `commit 1`, `read 2: POISONED`. */
  readonly told: string[]
  commit(sequence: number): void
  read(snapshot: number): void
} {
  const acknowledgements = new Acknowledgements()
  const told: string[] = []
  const tell = (name: string) => (error: Error | undefined) => {
    told.push(error === undefined ? name : `${name}: ${(error as Error & { code: string }).code}`)
  }
  return {
    acknowledgements,
    told,
    commit: (sequence) => {
      acknowledgements.addCommit({ commitSequence: sequence, acknowledged: tell(`commit ${String(sequence)}`) })
    },
    read: (snapshot) => {
      acknowledgements.addReader(snapshot, tell(`read ${String(snapshot)}`))
    },
  }
}

const cause = new Error('the disk is gone')

describe('acknowledgements', () => {
  test('come in commit order through what is published, commits before readers, in that very step', () => {
    const { acknowledgements, told, commit, read } = createWorld()
    commit(1)
    read(2)
    commit(2)
    read(1)
    commit(3)
    expect(acknowledgements.size).toBe(5)
    acknowledgements.publish(2)
    expect(told).toEqual(['commit 1', 'commit 2', 'read 2', 'read 1'])
    expect(acknowledgements.size).toBe(1)
    acknowledgements.publish(3)
    expect(told.at(-1)).toBe('commit 3')
    expect(acknowledgements.size).toBe(0)
  })

  test('tell nobody twice, whatever is published again', () => {
    const { acknowledgements, told, commit } = createWorld()
    commit(1)
    acknowledgements.publish(1)
    acknowledgements.publish(1)
    commit(2)
    acknowledgements.publish(2)
    expect(told).toEqual(['commit 1', 'commit 2'])
  })

  test('who is added while others are told waits for the next publish', () => {
    const { acknowledgements, told, read } = createWorld()
    const acknowledged = (): void => {
      told.push('commit 1')
      read(2)
    }
    acknowledgements.addCommit({ commitSequence: 1, acknowledged })
    acknowledgements.publish(1)
    expect(told).toEqual(['commit 1'])
    acknowledgements.publish(2)
    expect(told).toEqual(['commit 1', 'read 2'])
  })

  test('the next publish wakes all who wait for it, once', async () => {
    const { acknowledgements } = createWorld()
    const first = acknowledgements.nextPublish()
    expect(acknowledgements.nextPublish()).toBe(first)
    acknowledgements.publish(1)
    await first
    expect(acknowledgements.nextPublish()).not.toBe(first)
  })

  describe('after the log has failed', () => {
    test('commits in flight have an unknown outcome, named by sequence; who only read is told that it is poisoned', async () => {
      const { acknowledgements, told, commit, read } = createWorld()
      commit(1)
      read(1)
      acknowledgements.publish(1)
      commit(2)
      read(2)
      const outcome: unknown[] = []
      acknowledgements.addCommit({ commitSequence: 3, acknowledged: (error) => void outcome.push(error) })
      const waiting = acknowledgements.nextPublish()
      acknowledgements.fail(cause)
      expect(told).toEqual(['commit 1', 'read 1', 'commit 2: COMMIT_OUTCOME_UNKNOWN', 'read 2: POISONED'])
      expect(outcome).toMatchObject([{ code: 'COMMIT_OUTCOME_UNKNOWN', sequence: 3, cause, retryable: false }])
      await expect(waiting).rejects.toMatchObject({ code: 'POISONED', cause })
      expect(acknowledgements).toMatchObject({ size: 0, failure: cause })
    })

    test('whoever comes later is told at once', async () => {
      const { acknowledgements, told, read } = createWorld()
      acknowledgements.fail(cause)
      read(7)
      expect(told).toEqual(['read 7: POISONED'])
      await expect(acknowledgements.nextPublish()).rejects.toMatchObject({ code: 'POISONED' })
    })

    test('the message says why and what to do', () => {
      expect(createPoisonedError('wait', cause).message).toBe(
        'Cannot wait: the log failed (the disk is gone); reopen the database',
      )
    })
  })

  test('ten thousand commits in flight are acknowledged in order', () => {
    const { acknowledgements, told, commit } = createWorld()
    for (let i = 1; i <= 10_000; i++) commit(i)
    for (let i = 100; i <= 10_000; i += 100) acknowledgements.publish(i)
    expect(told.length).toBe(10_000)
    expect(told[9_999]).toBe('commit 10000')
  })
})
