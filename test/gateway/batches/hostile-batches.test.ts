/** Batches that are small to send and would be large to make, and files that two readers read differently. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { readCsv } from '../../../gateway/dashboard/src/batches/read-csv.ts'
import { type Answer, openTestGateway, type TestGateway } from '../support/test-gateway.ts'
import { BATCH, type FormFields, sendForm } from './support/send-form.ts'

const DRY = `${BATCH}?dryRun=true`
const MIB = 1024 * 1024

let gateway: TestGateway
before(async () => {
  gateway = await openTestGateway()
})
after(async () => await gateway.close())

const check = async (fields: FormFields): Promise<Answer> => await sendForm(gateway, fields, DRY)
const json = async (body: string): Promise<Answer> =>
  await gateway.ask('POST', DRY, { body, headers: { 'Content-Type': 'application/json' } })

/** What the thread itself did meanwhile, in ms: what other processes took from it does not count. */
async function worked(task: () => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage()
  await task()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: placeholders of the API
describe('a batch that would be large', () => {
  const image = 'busybox'
  const many = (text: string, times: number): string => text.repeat(times)
  const env = (value: string): Record<string, string> =>
    Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`V${i}`, value]))

  const EXPANDING: [name: string, fields: FormFields, reason: RegExp][] = [
    [
      'env values of many placeholders and one large cell',
      { base: { image, env: env(many('${a}', 1500)) }, file: `a\n${many('x', 250_000)}\n` },
      /makes a job of 375\d\d\d\d\d\d\d\d characters, and one has at most 262144/,
    ],
    [
      'one argument of many placeholders',
      { base: { image, args: [many('${a}', 200_000)] }, file: `a\n${many('x', 1000)}\n` },
      /at most 262144/,
    ],
    [
      'names of many columns',
      {
        base: { image, args: [many('${a}${b}${c}', 20_000)] },
        file: `a,b,c\n${many('x', 80_000)},${many('y', 80_000)},${many('z', 80_000)}\n`,
      },
      /at most 262144/,
    ],
    [
      'placeholders that lie deep',
      { base: { image, constraints: { labels: env(many('${a}', 1000)) } }, file: `a\n${many('x', 200_000)}\n` },
      /at most 262144/,
    ],
    [
      'a base that is larger than any job',
      { base: { image, args: [many('y', 900_000), '${a}'] }, file: 'a\nx\n' },
      /at most 262144/,
    ],
    ['a cell of very many values', { base: { image }, file: `args\n"[${many('0,', 120_000)}0]"\n` }, /values/],
  ]
  for (const [name, fields, reason] of EXPANDING) {
    it(`entry 2: of ${name} names the row and the limit, and is never made`, async () => {
      const heap = process.memoryUsage().heapUsed
      let answer: Answer | undefined
      const workedMs = await worked(async () => {
        answer = await check(fields)
      })
      assert.equal(answer?.code, 'VALIDATION_ERROR', JSON.stringify(answer?.body).slice(0, 300))
      assert.equal(answer?.body.error.details.rows[0].row, 1)
      assert.match(answer?.body.error.details.rows[0].reason, reason)
      assert.ok(workedMs < 2_000, `worked ${workedMs} ms`)
      assert.ok(process.memoryUsage().heapUsed - heap < 100 * MIB)
    })
  }

  it('entry 2: counts what is looked through for each row, however little comes of it', async () => {
    const base = { image, args: [many('${a}', 10_000 - 1)], cpu: '${b}' }
    const answer = await check({ base, file: `a,b\n${many(',100\n', 10_000)}` })
    assert.match(answer.body.error.message, /larger than \d+ characters together/)
  })

  it('entry 2: counts what a base holds before it is parsed', async () => {
    for (const args of [Array.from({ length: 400_000 }, () => 0), JSON.parse(many('[', 100) + many(']', 100))]) {
      const answer = await check({ base: { image, args }, file: 'a\nx\n' })
      assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR'])
      assert.match(
        answer.body.error.message,
        /base holds (more than 4096 values|values in each other, more than 64 deep)/,
      )
    }
  })

  it('entry 2: puts no job together of more placeholders than any has, however little comes of it', async () => {
    const answer = await check({
      base: { image, args: [many('${a}', 200_000)], cpu: '${b}' },
      file: `a,b\n${many(',100\n', 10)}`,
    })
    assert.equal(answer.status, 400)
    assert.match(answer.body.error.details.rows[0].reason, /200001 placeholders, and a job of at most 10000/)
  })

  it('entry 2: reads placeholders and braces around them as they always were', async () => {
    const texts = { A: '${a}${a}', B: '$${a}', C: '{${a}}', D: '${', E: '${}', F: '${b}', G: '${${a}}', H: '}${a}' }
    const base = { image: '${c}', env: texts }
    const answer = await check({ base, file: `a,c\nx,${'${image}'}\n` })
    assert.match(answer.body.error.details.rows[0].reason, /image/i)
    assert.equal((await check({ base, file: 'a,c\nx,busybox\n' })).status, 200)
  })

  it('entry 2: names the column that makes the row too large', async () => {
    const answer = await check({
      base: { image, args: [many('${a}', 10), many('${b}', 1000)] },
      file: `a,b\n${many('x', 100)},${many('y', 1000)}\n`,
    })
    assert.deepEqual(answer.body.error.details.rows[0].column, 'b')
  })

  it('entry 2: takes a row that is just as large as a job may be', async () => {
    const base = { image, env: Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`V${i}`, '${a}'])) }
    assert.equal((await check({ base, file: `a\n${many('x', 32_000)}\n` })).status, 200)
    assert.equal((await check({ base, file: `a\n${many('x', 32_768)}\n` })).status, 400)
  })

  it('entry 2: of more columns than a file may have is refused before they are compared', async () => {
    const columns = Array.from({ length: 40_000 }, (_, i) => `c${i}`).join(',')
    let answer: Answer | undefined
    const workedMs = await worked(async () => {
      answer = await check({ base: { image }, file: `${columns}\n` })
    })
    assert.match(answer?.body.error.message, /at most 1000 columns/)
    assert.ok(workedMs < 2_000, `worked ${workedMs} ms`)
  })

  const LARGE: [name: string, body: string, message: RegExp][] = [
    ['a job of a million values', `{"jobs":[{"args":[${many('0,', 1_000_000)}0]}]}`, /jobs\[0\] holds more than 4096/],
    ['lists in lists', `{"jobs":[${many('[', 500_000)}`, /jobs\[0\] holds more than 4096/],
    ['objects in objects', `{"jobs":[${many('{"a":', 500_000)}`, /jobs\[0\] holds more than 4096/],
    ['a second job that is too large', `{"jobs":[{},{"a":[${many('0,', 20_000)}0]}]}`, /jobs\[1\] holds more than/],
    ['one text of 3 MB', `{"jobs":[{"image":"${many('x', 3_000_000)}"}]}`, /jobs\[0\] holds more than .* bytes/],
    ['an unknown field of many values', `{"more":[${many('0,', 1_000_000)}0],"jobs":[]}`, /more is not a known field/],
    ['a concurrency of many values', `{"concurrency":[${many('0,', 1_000_000)}0],"jobs":[]}`, /concurrency holds more/],
    ['more jobs than a batch has', `{"jobs":[${many('{"image":"a"},', 10_000)}{"image":"a"}]}`, /at most 10000 jobs/],
  ]
  for (const [name, body, message] of LARGE) {
    it(`entry 2: as JSON with ${name} is refused without being made`, async () => {
      const answer = await json(body)
      assert.equal(answer.code, 'VALIDATION_ERROR')
      assert.match(answer.body.error.message, message)
    })
  }

  const FORMS: [name: string, body: string, message: RegExp][] = [
    ['no object', '[]', /must be an object/],
    ['a text', '"x"', /must be an object/],
    ['nothing', '', /is not JSON/],
    ['half of it', '{"jobs":[{"image":"a"}', /is not JSON/],
    ['jobs that are no list', '{"jobs":{"a":1}}', /jobs is .*: it must be a list/],
    ['no jobs', '{"concurrency":2}', /jobs is missing/],
    ['an empty list', '{"jobs":[]}', /no rows/],
    ['jobs twice', '{"jobs":[{"image":"a"}],"jobs":[{"image":"b"}]}', /jobs is there twice/],
    ['text after it', '{"jobs":[{"image":"a"}]} x', /is not JSON/],
    ['a job that is no object', '{"jobs":[5]}', /row 1/],
    ['a concurrency of text', '{"jobs":[{"image":"a"}],"concurrency":"x"}', /concurrency/],
  ]
  for (const [name, body, message] of FORMS) {
    it(`as JSON with ${name} is refused with the reason`, async () => {
      const answer = await json(body)
      assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR'])
      assert.match(answer.body.error.message, message)
    })
  }

  it('as JSON is read whatever the order of its fields, and with blanks after it', async () => {
    assert.equal((await json('{"jobs":[{"image":"a"},{"image":"b"}],"concurrency":2}\n')).data.total, 2)
    assert.equal((await json(' {"concurrency":2, "jobs":[ {"image":"a"} ] }\r\n ')).data.total, 1)
  })
})

describe('a file of rows', () => {
  const base = { image: 'busybox', args: ['${v}'] }

  const READ: [name: string, text: string, values: string[]][] = [
    ['line ends that change to CRLF', 'v,cpu\na,100\nb,200\r\n', ['a', 'b']],
    ['a header that alone ends with CRLF', 'v\r\na\nb\nc\n', ['a', 'b', 'c']],
    ['a header that alone ends with LF', 'v\na\r\nb\r\nc\r\n', ['a', 'b', 'c']],
    ['line ends of CR', 'v\ra\rb\r', ['a', 'b']],
    ['all three line ends', 'v\ra\nb\r\nc', ['a', 'b', 'c']],
    ['blank rows in between', 'v\n\n\r\na\n \n\nb\n', ['a', 'b']],
    ['line ends in quotes', 'v\n"a\r\nb"\r\n"c\nd"\n', ['a\r\nb', 'c\nd']],
    ['a byte order mark', '\uFEFFv\na\n', ['a']],
    ['semicolons', 'v;cpu\n"a;b";100\n', ['a;b']],
    ['tabs', 'v\tcpu\na b\t100\n', ['a b']],
    ['a quoted header', '"v","cpu"\n"x, ""y""",100\n', ['x, "y"']],
    ['text that is not ASCII', 'v\nžluť 漢字 🎉\n', ['žluť 漢字 🎉']],
  ]
  for (const [name, text, values] of READ) {
    it(`entry 30: with ${name} is read alike by the gateway and the dashboard`, async () => {
      const answer = await sendForm(gateway, { base, file: text })
      assert.equal(answer.status, 201, JSON.stringify(answer.body))
      const jobs = await Promise.all(answer.data.jobIds.map(async (id: string) => await gateway.store.get(id)))
      assert.deepEqual(
        jobs.map((job) => job.spec.args[0]),
        values,
      )
      const { columns, rows } = await readCsv(new File([text], 'rows.csv'))
      assert.equal(columns[0], 'v')
      assert.deepEqual(
        rows.map(([cell]) => cell),
        values,
      )
    })
  }

  it('entry 30: env.X with CRLF only after the header makes three jobs', async () => {
    const { data } = await sendForm(gateway, { base: { image: 'a' }, file: 'env.X\r\na\nb\nc\n' })
    assert.equal(data.jobIds.length, 3)
  })

  const good = `v,cpu\n${'a,100\n'.repeat(20)}`
  const BROKEN: [name: string, file: string | Uint8Array<ArrayBuffer>, row: number, line: number][] = [
    ['a quote inside a cell', `${good}100,a"b\n`, 21, 22],
    ['the same after CRLF', `${good}100,a"b\n`.replaceAll('\n', '\r\n'), 21, 22],
    ['text after a closing quote', `${good}"a"b,100\na,100\n`, 21, 22],
    ['a quote that is not closed', `${good}"a,100\n`, 21, 22],
    ['a row that is too long', `${good}${'x'.repeat(300_000)}\n`, 21, 22],
    ['the same after blank rows', `${good}\n\n100,a"b\n`, 21, 24],
    ['the same after a cell of three lines', `v,cpu\n"a\r\nb\r\nc",100\r\n100,a"b\r\n`, 2, 5],
    ['a byte that is no UTF-8', Buffer.concat([Buffer.from(good), Buffer.from([0x61, 0xe9, 0x2c, 0x31])]), 21, 22],
  ]
  for (const [name, file, row, line] of BROKEN) {
    it(`entry 30: with ${name} after good rows names row ${row} and line ${line}`, async () => {
      const answer = await check({ base, file })
      assert.equal(answer.code, 'VALIDATION_ERROR')
      const [first] = answer.body.error.details.rows
      assert.deepEqual([first.row, first.line], [row, line], JSON.stringify(answer.body.error))
      assert.equal(answer.body.error.details.badRows, 1)
    })
  }

  it('entry 30: the preview shows the rows before the broken one, and that one empty', async () => {
    const { rows } = await readCsv(new File([`${good}100,a"b\na,100\n`], 'rows.csv'))
    assert.equal(rows.length, 21)
    assert.deepEqual(rows.at(-1), [])
    await assert.rejects(readCsv(new File(['v"x\n'], 'rows.csv')), /Line 1: a quote stands inside/)
    await assert.rejects(readCsv(new File([new Uint8Array([0xff, 0xfe, 0x00])], 'rows.csv')), /UTF-8/)
    await assert.rejects(readCsv(new File([''], 'rows.csv')), /empty/)
  })
})
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above
