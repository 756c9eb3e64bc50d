import { GroupTiming, isCompanyWorthIt } from '../../../../src/storage/log/log-company'

describe('the group that waits for company', () => {
  test('it waits where a write takes longer than the turn of all callers, and only there', () => {
    expect(isCompanyWorthIt({ writeMs: 4, turnMs: 0.5 })).toBe(true)
    expect(isCompanyWorthIt({ writeMs: 0.1, turnMs: 0.5 })).toBe(false)
    expect(isCompanyWorthIt({ writeMs: 0.5, turnMs: 0.5 })).toBe(false)
  })

  test('nothing measured yet means not waiting', () => {
    expect(new GroupTiming().isWorthWaiting(10, 10)).toBe(false)
  })

  test('the turn of all is counted per commit, of those told and of those that fill', () => {
    const timing = new GroupTiming()
    timing.writeBegan(0)
    timing.writeEnded(2)
    timing.told(2, 10)
    timing.turnEnded(3) // 0.1 ms for each commit, against 2 ms for a write
    expect(timing.isWorthWaiting(9, 9)).toBe(true)
    expect(timing.isWorthWaiting(10, 10)).toBe(false)
  })

  test('a turn that ends without anybody told measures nothing', () => {
    const timing = new GroupTiming()
    timing.writeBegan(0)
    timing.writeEnded(1)
    timing.turnEnded(1000)
    expect(timing.isWorthWaiting(1, 1)).toBe(true)
  })

  test('the averages follow a disk that changes its mind', () => {
    const timing = new GroupTiming()
    for (let i = 0; i < 50; i++) measure(timing, { writeMs: 4, turnMs: 0.4, commits: 4 })
    expect(timing.isWorthWaiting(4, 4)).toBe(true)
    for (let i = 0; i < 50; i++) measure(timing, { writeMs: 0.1, turnMs: 0.4, commits: 4 })
    expect(timing.isWorthWaiting(4, 4)).toBe(false)
  })
})

function measure(
  timing: GroupTiming,
  { writeMs, turnMs, commits }: { writeMs: number; turnMs: number; commits: number },
) {
  timing.writeBegan(0)
  timing.writeEnded(writeMs)
  timing.told(writeMs, commits)
  timing.turnEnded(writeMs + turnMs)
}
