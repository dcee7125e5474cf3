import assert from 'node:assert/strict'
import { it } from 'node:test'
import { csvOf } from '../../../gateway/dashboard/src/costs/csv.ts'

it('costs as CSV keep every amount whole, and hold no formula', () => {
  const cases: [group: string, actual: number, line: string][] = [
    ['2026-01-31', 0.000000001, '2026-01-31,1,2,0.000000001,0'],
    ['a, "b"', 1.5, '"a, ""b""",1,2,1.5,0'],
    ['=HYPERLINK("x")', 0, `"'=HYPERLINK(""x"")",1,2,0,0`],
    ['+1', 100, `'+1,1,2,100,0`],
    ['@cmd', 1e-7, `'@cmd,1,2,0.0000001,0`],
    ['-5', 1, '-5,1,2,1,0'],
    ['a;=1+1', 1, `a;'=1+1,1,2,1,0`],
    ['a; @b\n-c', 1, `"a; '@b\n'-c",1,2,1,0`],
    ['\t=x', 1, `'\t'=x,1,2,1,0`],
    ['a-b;c=d', 1, 'a-b;c=d,1,2,1,0'],
    ['two\nlines', 1, '"two\nlines",1,2,1,0'],
  ]
  const rows = cases.map(([group, actual]) => ({ group, jobs: 1, estimated: 2, actual, volumes: 0 }))
  const total = { jobs: 11, estimated: 22, actual: 0, volumes: 0 }
  const text = csvOf({ from: '', to: '', groupBy: 'label.team', currency: 'USD', rows, total })
  const head = 'label.team,jobs,estimated USD,actual USD,volumes USD'
  assert.equal(text, `${[head, ...cases.map(([, , line]) => line)].join('\n')}\n`)
})

it('costs by provider name each in a last column, where the name is known', () => {
  const rows = ['12D3Koo1', 'none'].map((group) => ({ group, jobs: 1, estimated: 2, actual: 1, volumes: 0.5 }))
  const total = { jobs: 2, estimated: 4, actual: 2, volumes: 1 }
  const names = new Map([['12D3Koo1', '=attic, "up"']])
  assert.equal(
    csvOf({ from: '', to: '', groupBy: 'provider', currency: 'USD', rows, total }, (id) => names.get(id) ?? ''),
    `provider,jobs,estimated USD,actual USD,volumes USD,name\n12D3Koo1,1,2,1,0.5,"'=attic, ""up"""\nnone,1,2,1,0.5,\n`,
  )
})
