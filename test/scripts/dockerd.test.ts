import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { startDockerd } from '../../scripts/dockerd.ts'

/** A program in place of `dockerd`, which ends as Docker 20.10 does where the file with its networks is there, or always. */
async function engine(test: TestContext, { words, always = false }: { words: string[]; always?: boolean }) {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-dockerd-'))
  test.after(() => rm(folder, { recursive: true, force: true }))
  const networks = join(folder, 'network', 'files', 'local-kv.db')
  await mkdir(join(folder, 'network', 'files'), { recursive: true })
  await writeFile(networks, 'half')
  const up = join(folder, 'up')
  const script = `if ${always ? 'true' : `[ -e '${networks}' ]`}; then printf '%s\\n' ${words.map((word) => `'${word}'`).join(' ')} >&2; exit 2; fi; touch '${up}'; exec sleep 60`
  const said: string[] = []
  const started = startDockerd({
    ...{ dataRoot: folder, runDir: folder, socketPath: join(folder, 'docker.sock') },
    command: ['sh', '-c', script],
    answers: async () => existsSync(up),
    report: (line) => said.push(line),
  })
  return { started, networks, said }
}

const PANIC = [
  'panic: runtime error: index out of range [0] with length 0',
  'github.com/docker/libnetwork.(*controller).reservePools(0x0)',
]

describe('dockerd', () => {
  it('starts without its networks where one that it was making when it was killed ends it', async (test) => {
    const { started, networks, said } = await engine(test, { words: PANIC })
    const { stop } = await started
    test.after(stop)
    assert.ok(!existsSync(networks))
    assert.match(said.join(), /killed while it made a network/)
  })

  it('is not tried a third time', async (test) => {
    const { started } = await engine(test, { words: PANIC, always: true })
    await assert.rejects(started, /did not start: panic: runtime error/)
  })

  it('keeps its networks where it ends for another reason', async (test) => {
    const { started, networks } = await engine(test, { words: ['panic: out of luck'] })
    await assert.rejects(started, /did not start: panic: out of luck/)
    assert.ok(existsSync(networks))
  })
})
