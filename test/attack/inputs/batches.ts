/** Batches that are small to send and large to make, or that are read in more than one way. */

import assert from 'node:assert/strict'
import type { AttackTarget, HostileInput } from '../support/inputs.ts'

const BATCH = '/api/plugin-core/jobs/batch?dryRun=true'

async function send({ url, alice }: AttackTarget, body: FormData | string): Promise<[number, string]> {
  const headers = {
    Authorization: `Bearer ${alice.key}`,
    ...(typeof body === 'string' ? { 'Content-Type': 'application/json' } : {}),
  }
  const response = await fetch(`${url}${BATCH}`, { method: 'POST', headers, body })
  return [response.status, await response.text()]
}

function form(base: unknown, file: string | Uint8Array<ArrayBuffer>): FormData {
  const data = new FormData()
  data.append('base', JSON.stringify(base))
  data.append('file', new Blob([file]), 'rows.csv')
  return data
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: placeholders of the API
const many = (text: string, times: number): string => text.repeat(times)
const env = (value: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`V${i}`, value]))

const LARGE: [what: string, base: unknown, file: string][] = [
  ['100 values of 1,500 placeholders', { image: 'a', env: env(many('${a}', 1500)) }, `a\n${many('x', 250_000)}\n`],
  ['the same, 500 times', { image: 'a', env: env(many('${a}', 1000)) }, `a\n${many(`${many('x', 2000)}\n`, 500)}`],
  ['one argument of 200,000 placeholders', { image: 'a', args: [many('${a}', 200_000)] }, `a\n${many('x', 1000)}\n`],
  ['placeholders in labels', { image: 'a', labels: env(many('${a}', 1500)) }, `a\n${many('x', 200_000)}\n`],
  ['placeholders in secrets', { image: 'a', secrets: env(many('${a}', 1500)) }, `a\n${many('x', 200_000)}\n`],
  [
    'placeholders of empty cells',
    { image: 'a', args: [many('${a}', 200_000)], cpu: '${b}' },
    `a,b\n${many(',x\n', 10_000)}`,
  ],
  ['a base of 900 KB', { image: 'a', args: [many('y', 900_000), '${a}'] }, `a\n${many('x\n', 10_000)}`],
  ['a base of a million values', { image: '${a}', args: Array(400_000).fill(0) }, 'a\nx\n'],
  ['40,000 columns', { image: 'a' }, `${Array.from({ length: 40_000 }, (_, i) => `c${i}`).join(',')}\n`],
  ['100,000 cells of nothing', { image: 'a' }, `${many(',', 100_000)}\n${many(',', 100_000)}\n`],
  [
    '1,000 columns of env and 200 wrong rows',
    { image: 'a' },
    `${Array.from({ length: 1000 }, (_, i) => `env.V${i}`).join(',')}\n${many(`${many('x,', 999)}x\n`, 200)}`,
  ],
  ['a list of 120,000 numbers in a cell', { image: 'a' }, `args\n"[${many('0,', 120_000)}0]"\n`],
  ['lists in lists in a cell', { image: 'a' }, `args\n"${many('[', 200_000)}"\n`],
  [
    'an object of 30,000 names in a cell',
    { image: 'a' },
    `constraints\n"{${Array.from({ length: 18_000 }, (_, i) => `""a${i}"":0`).join(',')}}"\n`,
  ],
  ['a base of 400,000 values', { image: 'a', args: Array.from({ length: 400_000 }, () => 0) }, 'a\nx\n'],
  ['a row of 300,000 characters', { image: 'a', args: ['${a}'] }, `a\n${many('x', 300_000)}\n`],
  ['one quoted cell of 2 MB', { image: 'a', args: ['${a}'] }, `a\n"${many('x\n', 1_000_000)}"\n`],
  ['100,000 rows', { image: 'a', args: ['${a}'] }, `a\n${many('x\n', 100_000)}`],
  ['a million blank rows', { image: 'a', args: ['${a}'] }, `a\n${many('\n', 1_000_000)}"`],
]
const large: HostileInput[] = LARGE.map(([what, base, file]) => ({
  name: `entry 2: a form of ${what}`,
  async attempt(target) {
    const [status, text] = await send(target, form(base, file))
    assert.ok([400, 413].includes(status), `${status} ${text.slice(0, 200)}`)
  },
}))

const JSONS: [what: string, body: string][] = [
  ['a job of a million values', `{"jobs":[{"args":[${many('0,', 1_000_000)}0]}]}`],
  ['two million jobs', `{"jobs":[${many('0,', 2_000_000)}0]}`],
  ['10,001 jobs', `{"jobs":[${many('{"image":"a"},', 10_000)}{"image":"a"}]}`],
  ['lists in lists', `{"jobs":[${many('[', 1_000_000)}`],
  ['lists in lists around it', many('[', 1_000_000)],
  ['objects in objects', `{"jobs":[${many('{"a":', 500_000)}`],
  ['one text of 5 MB', `{"jobs":[{"image":"${many('x', 5_000_000)}"}]}`],
  ['escapes of 2 MB', `{"jobs":[{"image":"${many('\\u0000', 350_000)}"}]}`],
  ['an unknown field of a million values', `{"x":[${many('0,', 1_000_000)}0],"jobs":[]}`],
  ['a million unknown fields', `{${many('"a":0,', 1_000_000)}"jobs":[]}`],
  ['a number of a million digits', `{"jobs":[{"cpu":${many('1', 1_000_000)}}]}`],
  ['a million blanks', `{"jobs":[${many(' ', 1_000_000)}]}`],
]
const jsons: HostileInput[] = JSONS.map(([what, body]) => ({
  name: `entry 2: a list with ${what}`,
  async attempt(target) {
    const [status, text] = await send(target, body)
    assert.ok([400, 413].includes(status), `${status} ${text.slice(0, 200)}`)
  },
}))

const good = `v,cpu\n${many('a,100\n', 20)}`
const FILES: [what: string, file: string, total: number | null][] = [
  ['line ends that change', 'v,cpu\na,100\nb,200\r\n', 2],
  ['a header that alone has CRLF', 'v\r\na\nb\nc\n', 3],
  ['all line ends', 'v\ra\nb\r\nc', 3],
  ['a quote inside a cell of row 21', `${good}100,a"b\n`, null],
  ['a quote that is not closed in row 21', `${good}"a,100\n`, null],
  ['text after a quote in row 21', `${good}"a"b,100\n`, null],
]
const files: HostileInput[] = FILES.map(([what, file, total]) => ({
  name: `entry 30: a file with ${what}`,
  async attempt(target) {
    const [status, text] = await send(target, form({ image: 'a', args: ['${v}'] }, file))
    if (total !== null) assert.deepEqual([status, JSON.parse(text).data.total], [200, total])
    else assert.deepEqual([status, JSON.parse(text).error.details.rows[0].row], [400, 21], text)
  },
}))
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above

const WRONG: [what: string, fields: [name: string, value: string][]][] = [
  ['an unknown field', [['zzz', 'x']]],
  [
    'base twice',
    [
      ['base', '{}'],
      ['base', '{}'],
    ],
  ],
  ['a base beyond its size', [['base', many('x', 1_100_000)]]],
]
const wrong: HostileInput[] = WRONG.map(([what, fields]) => ({
  name: `a form of ${what} before a large file`,
  async attempt(target) {
    const data = new FormData()
    for (const [name, value] of fields) data.append(name, value)
    data.append('file', new Blob([many('x\n', 150_000)]), 'rows.csv')
    // Who takes long to send the rest is cut off, and may hear of that before he hears the answer.
    const [status, text] = await send(target, data).catch((error) => [codeOf(error), String(error)] as const)
    assert.ok([400, 413, 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(status), `${status} ${text.slice(0, 200)}`)
    assert.equal((await fetch(`${target.url}/api/health`)).status, 200)
  },
}))

/** Of what made `fetch` fail. */
function codeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string } }
  return cause?.code ?? String(error)
}

export const inputs: HostileInput[] = [...large, ...jsons, ...files, ...wrong]
