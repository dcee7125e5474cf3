/** As a program: fills the store in the folder that it is given, says `ready`, and waits for its end. */

import { type Database, openDatabase } from '../../../../node/store/database.ts'

const COUNT = 3_000

const text = (i: number): string => `${i} `.repeat(60 + (i % 40))
const name = (i: number): string => `key ${String(i).padStart(6, '0')}`

/** Writes enough for tables and a log, with values replaced and removed on the way. */
async function fill(database: Database): Promise<void> {
  for (let from = 0; from < COUNT; from += 100) {
    const numbers = Array.from({ length: 100 }, (_, i) => from + i)
    await database.batch(numbers.map((i) => ({ type: 'put', key: name(i), value: 'an older value' })))
    await database.batch(numbers.map((i) => ({ type: 'put', key: name(i), value: text(i) })))
    if (from === COUNT / 2) await database.compactRange('', '~')
  }
  await database.batch(Array.from({ length: COUNT / 10 }, (_, i) => ({ type: 'del', key: name(i * 10) })))
}

/** What the database holds, as far as it is not what {@link fill} wrote: empty where all is there and nothing else. */
export async function differences(database: Database): Promise<string[]> {
  const found = new Map(await database.iterator().all())
  found.delete('form') // the store's own mark
  const wrong: string[] = []
  for (let i = 0; i < COUNT; i += 1) {
    const expected = i % 10 === 0 ? undefined : text(i)
    if (found.get(name(i)) !== expected || (await database.get(name(i))) !== expected) wrong.push(name(i))
    found.delete(name(i))
  }
  return [...wrong, ...found.keys()]
}

if (import.meta.main) {
  const database = await openDatabase(process.argv[2] ?? '')
  await fill(database)
  process.once('SIGTERM', async () => {
    await database.close()
    process.exit()
  })
  setInterval(() => {}, 1_000)
  process.stdout.write('ready\n')
}
