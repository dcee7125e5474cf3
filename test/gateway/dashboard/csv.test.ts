import assert from 'node:assert/strict'
import { it } from 'node:test'
import { csvOf } from '../../../gateway/dashboard/src/costs/csv.ts'

const SUMS = { jobs: 1, spent: 0, final: 0, volumes: 0, running: 0, projected: 0, actual: 0, estimated: 2 }
const COSTS = { from: '', to: '', timezone: 'UTC', currency: 'USD' as const, total: SUMS }
const HEADS = 'spent USD,final USD,volumes USD,running USD,projected USD,actual USD,estimated USD'

it('costs as CSV keep every amount whole, and hold no formula', () => {
  const cases: [group: string, actual: number, line: string][] = [
    ['2026-01-31', 0.000000001, '2026-01-31,1,0.000000001,0,0,0,0,0,2'],
    ['a, "b"', 1.5, '"a, ""b""",1,1.5,0,0,0,0,0,2'],
    ['=HYPERLINK("x")', 0, `"'=HYPERLINK(""x"")",1,0,0,0,0,0,0,2`],
    ['+1', 100, `'+1,1,100,0,0,0,0,0,2`],
    ['@cmd', 1e-7, `'@cmd,1,0.0000001,0,0,0,0,0,2`],
    ['-5', 1, '-5,1,1,0,0,0,0,0,2'],
    ['a;=1+1', 1, `a;'=1+1,1,1,0,0,0,0,0,2`],
    ['a; @b\n-c', 1, `"a; '@b\n'-c",1,1,0,0,0,0,0,2`],
    ['\t=x', 1, `'\t'=x,1,1,0,0,0,0,0,2`],
    ['a-b;c=d', 1, 'a-b;c=d,1,1,0,0,0,0,0,2'],
    ['two\nlines', 1, '"two\nlines",1,1,0,0,0,0,0,2'],
  ]
  const rows = cases.map(([group, actual]) => ({ group, ...SUMS, spent: actual }))
  const text = csvOf({ ...COSTS, groupBy: 'label.team', rows })
  const head = `label.team,jobs,${HEADS}`
  assert.equal(text, `${[head, ...cases.map(([, , line]) => line)].join('\n')}\n`)
})

it('costs by provider name each in a last column, where the name is known', () => {
  const rows = ['12D3Koo1', 'none'].map((group) => ({ group, ...SUMS, spent: 1.5, final: 1, volumes: 0.5, actual: 1 }))
  const names = new Map([['12D3Koo1', '=attic, "up"']])
  assert.equal(
    csvOf({ ...COSTS, groupBy: 'provider', rows }, (id) => names.get(id) ?? ''),
    `provider,jobs,${HEADS},name\n12D3Koo1,1,1.5,1,0.5,0,0,1,2,"'=attic, ""up"""\nnone,1,1.5,1,0.5,0,0,1,2,\n`,
  )
})
