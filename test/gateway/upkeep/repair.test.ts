import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import {
  access,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { tryLock } from 'fs-native-extensions'
import { findProblems, repairGateway } from '../../../gateway/upkeep/index.ts'
import { readBackupFile } from '../../../node/backup/backup-file.ts'
import { openDatabase } from '../../../node/store/database.ts'
import { DERIVED_KEYS, RESTORED_KEY } from '../../../node/store/tables.ts'
import type { UpkeepRow } from '../../../node/upkeep/findings.ts'
import { noPassphrase, openHome, seen, verify } from '../../node/backup/support/home.ts'
import { randomFrom } from '../../node/store/support/sample-jobs.ts'
import { inDatabase, rawOf, repairInit, type StoppedHome, stoppedHome } from './support/home.ts'

const isWrong = ({ state }: UpkeepRow): boolean => state !== 'ok'

describe('cortex gateway check and repair', () => {
  let root: string
  let model: StoppedHome
  let copies = 0

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cortex-upkeep-'))
    model = await stoppedHome(join(root, 'model/gateway'), 24)
    // What is in tables, and what is in the log.
    await inDatabase(model.folder, async (database) => await database.compactRange('', '~'))
    const home = await openHome(model.folder)
    await home.store.change(model.jobs[7] ?? '', (draft) => draft.patch({ durationSeconds: 7 }))
    await home.close()
  })
  after(async () => await rm(root, { recursive: true, force: true }))

  async function copy(): Promise<string> {
    copies += 1
    const folder = join(root, `${copies}/gateway`)
    await cp(model.folder, folder, { recursive: true })
    return folder
  }

  const check = async (folder: string) => (await findProblems({ folder, masterKey: undefined })).filter(isWrong)

  /** Repairs it; all is well then, and jobs that are not named are byte for byte what they were. */
  async function repaired(folder: string, changed: string[] = []) {
    const before = await rawOf(model.folder, '!jobs!')
    const result = await repairGateway(repairInit(folder))
    assert.deepEqual(result.rows.filter(isWrong), [])
    assert.deepEqual(await check(folder), [])
    const now = await rawOf(folder, '!jobs!')
    for (const [key, value] of before) if (!changed.includes(key.slice(6))) assert.equal(now.get(key), value, key)
    const home = await openHome(folder)
    try {
      const whole = model.jobs.filter((id) => !changed.includes(id))
      assert.equal((await seen(home, whole.at(-1) ?? '')).log.length, 1)
      const { total } = await home.store.list({ owner: 'alice', limit: 10 })
      assert.equal(total, now.size, 'lists agree with what is there')
    } finally {
      await home.close()
    }
    return result
  }

  it('finds nothing where nothing is wrong, tells how much it read, and changes nothing', async () => {
    const folder = await copy()
    const before = [await rawOf(folder), await rawOf(join(folder, 'records'))]
    const rows = await findProblems({ folder, masterKey: undefined })
    assert.deepEqual(rows.filter(isWrong), [])
    const counts = Object.fromEntries(rows.map(({ what, count }) => [what, count]))
    const { jobs, secrets, output, outputs, uploads, templates, deliveries } = counts
    assert.deepEqual([jobs, secrets, output, outputs, uploads, templates, deliveries], [24, 24, 24, 5, 1, 2, 1])
    assert.equal(counts.events, 24 * 4)
    assert.deepEqual([await rawOf(folder), await rawOf(join(folder, 'records'))], before)
    const result = await repairGateway(repairInit(folder))
    assert.deepEqual([result.copy, result.aside, result.done], [null, null, []])
  })

  it('says that a gateway runs, and that there is none', async () => {
    const folder = await copy()
    const database = await openDatabase(folder)
    await assert.rejects(check(folder), { code: 'GATEWAY_RUNS' })
    await assert.rejects(repairGateway(repairInit(folder)), { code: 'GATEWAY_RUNS' })
    await database.close()
    await assert.rejects(check(join(root, 'nowhere')), { code: 'NO_GATEWAY' })
  })

  const job = (i: number): string => model.jobs[i] ?? assert.fail()
  type Damage = (folder: string) => Promise<void>
  const put =
    (store: '' | 'records', key: () => string, value: string | null): Damage =>
    async (folder) =>
      await inDatabase(join(folder, store), async (database) =>
        value === null ? await database.del(key()) : await database.put(key(), value),
      )
  const first =
    (beginning: string, value: string | null): Damage =>
    async (folder) =>
      await inDatabase(folder, async (database) => {
        const [key = assert.fail()] = await database.keys({ gt: beginning, lt: `${beginning}~`, limit: 1 }).all()
        await (value === null ? database.del(key) : database.put(key, value))
      })

  const cases: [name: string, damage: Damage, row: RegExp, changed?: () => string[]][] = [
    ['a job that is no JSON', put('', () => `!jobs!${job(3)}`, '{{{'), /^jobs cannot be read/, () => [job(3)]],
    ['a job of another form', put('', () => `!jobs!${job(3)}`, '{"id":1}'), /^jobs cannot be read/, () => [job(3)]],
    ['a job that is gone', put('', () => `!jobs!${job(3)}`, null), /^events (4 )?of no job/, () => [job(3)]],
    ['an event that is gone', put('', () => `!events!${job(4)}!0000000000000002`, null), /^events missing/],
    ['an event that is no JSON', put('', () => `!events!${job(4)}!0000000000000002`, 'x'), /^events cannot be read/],
    ['a log of no job', put('', () => '!logs!job_0000000000000000!0000000000000001', '{}'), /^output of no job/],
    ['lines of nonsense', put('', () => `!logs!${job(4)}!0000000000000001`, '{}'), /^output cannot/, () => [job(4)]],
    [
      'lines that are gone',
      put('', () => `!logs!${job(4)}!0000000000000001`, null),
      /^output has no end/,
      () => [job(4)],
    ],
    ['a secret of nonsense', put('', () => `!secrets!${job(4)}`, 'AAAA'), /^secrets do not open/],
    [
      'a key of no job',
      put('', () => '!idempotency!00', '{"jobId":"job_0000000000000000","digest":"d","expiresAtMs":1}'),
      /^idempotency keys of no job/,
    ],
    ['an entry of a list that is gone', first('!order!', null), /^lists .* missing/],
    ['an entry of no job', put('', () => '!order!*!-!3a!!job_0000000000000000', ''), /^lists .* of no job/],
    ['a count that is wrong', first('!totals!', '7'), /^lists .*too/],
    ['a count of nonsense', put('', () => '!totals!x!y!0', 'many'), /^lists .*too high/],
    ['a sum of costs that is wrong', put('', () => '!costs!x!alice', '12'), /^lists .*too high/],
    ['a template of nonsense', put('records', () => '!templates!template_9', '7'), /^templates cannot be read/],
    ['a delivery to no webhook', put('records', () => '!webhooks!webhook_1', null), /^deliveries to no webhook/],
    [
      'a queue of no delivery',
      put('records', () => '!delivery-queue!webhook_1!x', '""'),
      /^deliveries that wait of no/,
    ],
    ['a delivery in no queue', put('records', () => '!delivery-queue!webhook_1!delivery_1', null), /in no queue/],
    ['jobs of no batch', put('records', () => '!batches!batch_1', null), /^jobs of batches of no batch/],
    ['a batch without its jobs', put('records', () => '!batch-members!batch_1', null), /^batches whose list/],
    [
      'a batch with a job that is gone',
      put('records', () => '!batch-members!batch_1', '["job_0000000000000000"]'),
      /^jobs of batches with jobs/,
    ],
    ['webhooks that are too far', put('records', () => '!meta!webhooks-feed', '"9999"'), /further than the feed/],
    [
      'an output that was cut off',
      async (folder) => await truncate(join(folder, `outputs/${job(1)}.tar`), 3),
      /^outputs of another size/,
      () => [job(1)],
    ],
    [
      'an output that is gone',
      async (folder) => await rm(join(folder, `outputs/${job(1)}.tar`)),
      /^outputs not on the disk/,
      () => [job(1)],
    ],
    [
      'an output of no job',
      async (folder) => await writeFile(join(folder, 'outputs/job_0000000000000000.tar'), 'x'),
      /^outputs of no job/,
    ],
    [
      'an output that nothing more comes of',
      async (folder) => await writeFile(join(folder, `outputs/${job(9)}.part`), 'x'),
      /^outputs left over/,
    ],
    [
      'an upload with a flipped bit',
      async (folder) => await flip(join(folder, `uploads/${model.sha256}.blob`), 2),
      /^uploads with another digest/,
    ],
    [
      'an upload whose note is cut off',
      async (folder) => await truncate(join(folder, 'uploads/upload_1.json'), 9),
      /^uploads whose note/,
    ],
    [
      'a restore that was broken off',
      // No process has so high a number.
      async (folder) => await writeFile(`${folder}.restoring-999999999`, 'x'),
      /^leftovers of a restore/,
    ],
  ]
  for (const [name, damage, row, changed = () => []] of cases) {
    it(`finds and mends ${name}`, async () => {
      const folder = await copy()
      await damage(folder)
      const found = await check(folder)
      const texts = found.map(({ what, found }) => `${what} ${found}`)
      assert.ok(
        texts.some((text) => row.test(text)),
        texts.join('\n'),
      )
      for (const { remedy } of found) assert.match(remedy, /^cortex gateway repair \(|give it another/)
      const { copy: backup, done } = await repaired(folder, changed())
      assert.ok(done.length > 0)
      const summary = await readBackupFile(backup ?? assert.fail('a backup'), noPassphrase, verify)
      assert.equal(summary.kind, 'gateway')
    })
  }

  it('keeps what it takes away in a file beside, with its store and why', async () => {
    const folder = await copy()
    await put('', () => `!jobs!${job(3)}`, '{{{')(folder)
    const { aside } = await repaired(folder, [job(3)])
    const lines = (await readFile(join(aside ?? '', 'records.ndjson'), 'utf8')).trimEnd().split('\n')
    const records = lines.map((line) => JSON.parse(line) as [string, string, [string, string]])
    assert.deepEqual(records[0], ['jobs', 'jobs: cannot be read', [`!jobs!${job(3)}`, '{{{']])
    // Its events, log and secrets with it.
    const tables = records.map(([, , [key]]) => key.split('!')[1])
    assert.deepEqual(tables.toSorted(), ['events', 'events', 'events', 'events', 'jobs', 'logs', 'secrets'])
  })

  it('leaves secrets alone where none opens: the key is another one', async () => {
    const folder = await copy()
    const rows = (await findProblems({ folder, masterKey: 'another' })).filter(isWrong)
    assert.match(rows.find(({ what }) => what === 'secrets')?.remedy ?? '', /CORTEX_MASTER_KEY/)
    const { done } = await repairGateway({ ...repairInit(folder), masterKey: 'another' })
    assert.deepEqual(done, [])
    assert.deepEqual(await check(folder), [])
  })

  it('mends a store whose files are damaged: the rest is byte for byte what it was', async () => {
    const random = randomFrom(3)
    const before = await rawOf(model.folder, '!jobs!')
    for (let round = 0; round < 12; round += 1) {
      const folder = await copy()
      const place = join(folder, round % 4 === 3 ? 'records/db' : 'db')
      const files = (await readdir(place)).filter((name) => /\.(ldb|log)$/.test(name))
      const file = join(place, files[Math.floor(random() * files.length)] ?? '')
      const { size } = await stat(file)
      if (size === 0) continue
      await flip(file, Math.floor(random() * size))
      const found = await check(folder)
      if (found.length === 0) continue // a byte that stands for nothing
      assert.match(found[0]?.found ?? '', /^damaged/)
      const result = await repairGateway(repairInit(folder))
      assert.deepEqual(result.rows.filter(isWrong), [], `round ${round}, ${file}`)
      assert.ok(result.lost.length > 0 && result.copy !== null)
      await access(join(result.copy ?? '', 'db'))
      const now = await rawOf(folder, '!jobs!')
      let lost = 0
      for (const [key, value] of before) {
        const is = now.get(key)
        if (is !== value) lost += 1
      }
      assert.ok(lost <= 6, `${lost} jobs in round ${round}, ${file}`)
      const home = await openHome(folder)
      assert.equal((await home.store.list({ limit: 1 })).total, now.size)
      await home.close()
    }
  })

  it('loses nothing where only CURRENT or the manifest is gone', async () => {
    for (const name of [/^CURRENT$/, /^MANIFEST/]) {
      const folder = await copy()
      for (const file of (await readdir(join(folder, 'db'))).filter((one) => name.test(one)))
        await rm(join(folder, 'db', file))
      const { lost } = await repaired(folder)
      assert.deepEqual(lost, [])
      const now = await recordsOf(folder)
      // Whose older reports may have come back: of these a gap in the numbers is taken.
      assert.equal(now.get(RESTORED_KEY), String(repairInit('').nowMs))
      now.delete(RESTORED_KEY)
      assert.deepEqual(now, await recordsOf(model.folder))
    }
  })

  it('does again what was broken off, before which no gateway starts', async () => {
    const folder = await copy()
    await writeFile(join(folder, 'db/SALVAGING'), '')
    await assert.rejects(openDatabase(folder), /a repair of it was broken off.*cortex gateway repair/)
    const [row] = await check(folder)
    assert.match(row?.found ?? '', /^damaged: a repair of it was broken off/)
    assert.deepEqual((await repaired(folder)).lost, [])
  })

  it('mends what there is to mend without the identity, which stays missing', async () => {
    const folder = await copy()
    await rm(join(folder, 'identity.key'))
    await put('', () => `!jobs!${job(3)}`, '{{{')(folder)
    const { copy: kept, rows } = await repairGateway(repairInit(folder))
    assert.deepEqual(
      rows.filter(isWrong).map(({ what }) => what),
      ['identity'],
    )
    await access(join(kept ?? '', 'db/CURRENT'))
    await assert.rejects(access(join(folder, 'identity.key')), 'none was made')
  })

  it('passes over folders among outputs, such as a disk of its own has', async () => {
    const folder = await copy()
    await mkdir(join(folder, 'outputs/lost+found'))
    assert.deepEqual(await check(folder), [])
  })

  it('copies the files themselves before, where their folder is elsewhere', async () => {
    const folder = await copy()
    const elsewhere = `${folder}-db`
    await rename(join(folder, 'db'), elsewhere)
    await symlink(elsewhere, join(folder, 'db'))
    await rm(join(elsewhere, 'CURRENT'))
    const before = await readdir(elsewhere)
    const { copy: kept } = await repaired(folder)
    assert.ok((await lstat(join(kept ?? '', 'db'))).isDirectory())
    assert.deepEqual((await readdir(join(kept ?? '', 'db'))).toSorted(), before.toSorted())
  })

  it('lets nobody else have the folder until it is over, between its steps as well', async () => {
    const folder = await copy()
    await put('', () => `!jobs!${job(3)}`, '{{{')(folder)
    await rm(join(folder, 'db/CURRENT'))
    const heard: [line: string, isFree: boolean][] = []
    const say = (line: string) => void heard.push([line.replaceAll(/[:.].*/g, ''), isFree(folder)])
    await repairGateway({ ...repairInit(folder), say })
    assert.ok(heard.length > 3)
    assert.deepEqual(
      heard.filter(([, free]) => free),
      [],
    )
    assert.ok(isFree(folder))
  })

  it('says what to do where all files are gone, or the identity is, and does nothing', async () => {
    const folder = await copy()
    for (const file of await readdir(join(folder, 'db'))) await rm(join(folder, 'db', file))
    const [row] = await check(folder)
    assert.match(`${row?.found} ${row?.remedy}`, /^gone: .* cortex gateway restore/)
    const other = await copy()
    await rm(join(other, 'identity.key'))
    const rows = await check(other)
    assert.match(`${rows[0]?.found} ${rows[0]?.remedy}`, /identity.key is missing put back identity.key/)
    await assert.rejects(access(join(other, 'identity.key')), 'none was made')
  })
})

/** What is stored, but for what is made anew of the rest. */
async function recordsOf(folder: string): Promise<Map<string, string>> {
  const all = await rawOf(folder)
  for (const key of all.keys()) if (DERIVED_KEYS.some((beginning) => key.startsWith(beginning))) all.delete(key)
  return all
}

/** Whether a gateway could begin now. */
function isFree(folder: string): boolean {
  const file = openSync(join(folder, 'lock'), 'a')
  try {
    return tryLock(file)
  } finally {
    closeSync(file)
  }
}

async function flip(path: string, at: number): Promise<void> {
  await using file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0] = (byte[0] ?? 0) ^ 0x10
  await file.write(byte, 0, 1, at)
}
