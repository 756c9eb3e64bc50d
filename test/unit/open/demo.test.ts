/**
 * The demo does what it says: every anomaly is shown under snapshot isolation, none under strict serializability.
 */
import { spawnSync } from 'node:child_process'
import path from 'node:path'

const root = path.resolve(__dirname, '../../..')

function runDemo(...args: string[]) {
  return spawnSync(process.execPath, ['-r', 'ts-node/register/transpile-only', 'demos/write-skew.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
}

describe('the demo', () => {
  test('shows four violations under snapshot isolation, none under strict serializability, each abort explained', () => {
    const { stdout, stderr, status } = runDemo('--runs', '5', '--seed', '7')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout.match(/^snapshot isolation: +VIOLATED: /gm)).toHaveLength(4)
    expect(stdout.match(/^strict serializability: +held: /gm)).toHaveLength(4)
    expect(stdout.match(/is aborted/g)).toHaveLength(4)
    expect(stdout.match(/╭─▶/g)).toHaveLength(4)
    expect(stdout).toContain('bob stays: the other one is off already')
    expect(stdout).toContain('5 random orders of each, seed 7')
    expect(stdout.match(/5 held, 0 violated *$/gm)).toHaveLength(4)
    expect(stdout).not.toContain('\x1b[')
  })

  test('says what is wrong with its arguments', () => {
    const { stderr, status } = runDemo('--runs', 'many')
    expect(status).toBe(1)
    expect(stderr).toBe('--runs many: give a whole number\n')
  })
})
