import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { brokenRestores } from '../../node/backup/broken-restores.ts'
import type { Found, LookedAt } from '../../node/upkeep/problem.ts'

const WHAT = 'leftovers'

/** Files of its own that something broken off left in a folder, and that nothing else removes. */
const DRAFTS = /^(?:identity|master|admin)\.key\.[0-9a-f-]{36}\.tmp$/

/** What something that was broken off left, in the gateway's folder and beside it. */
export async function checkLeftovers({
  folder,
  found,
  looked,
}: {
  folder: string
  found: Found
  looked(lookedAt: LookedAt): void
}): Promise<void> {
  const drafts = (await readdir(folder)).filter((name) => DRAFTS.test(name)).map((name) => join(folder, name))
  const others = ['db/lost', 'db/scratch', 'records/db/lost', 'records/db/scratch'].map((name) => join(folder, name))
  const left = [
    ...(await brokenRestores(folder)).map((path) => ({ kind: 'of a restore that was broken off', path })),
    ...drafts.map((path) => ({ kind: 'of a key that was not written', path })),
    ...(await there(others)).map((path) => ({ kind: 'of a repair, or a full disk', path })),
  ]
  for (const { kind, path } of left) {
    const mend = { how: 'removed', act: async () => await rm(path, { recursive: true, force: true }) }
    await found({ kind, which: path, state: 'warn', remedy: null, mend })
  }
  looked({ what: WHAT, count: left.length })
}

async function there(paths: string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map(
      async (path) =>
        await stat(path).then(
          () => [path],
          () => [],
        ),
    ),
  )
  return found.flat()
}
