import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { enterAgent, forEachEnded, forEachGone, PASSING_FILE } from '../../../provider-agent/abandoned/known-agents.ts'

const OWNER = `12D3KooW${'a'.repeat(44)}`

describe('agents known on a machine', () => {
  let folder: string
  let root: string
  let engine: string
  let dataFolder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-known-'))
    root = join(folder, 'agents')
    engine = join(folder, 'docker.sock')
    dataFolder = join(folder, 'disk', 'data')
    await writeFile(engine, '')
    await mkdir(dataFolder, { recursive: true })
  })
  afterEach(async () => await rm(folder, { recursive: true, force: true }))

  async function gone(of = engine): Promise<string[]> {
    const found: string[] = []
    await forEachGone(of, async (owner) => void found.push(owner), root)
    return found
  }

  async function entered() {
    const place = await enterAgent({ owner: OWNER, engine, dataFolder }, root)
    assert.ok(place)
    return place
  }

  it('entry 48: one that is merely stopped keeps what it left', async () => {
    await (await entered()).release()
    assert.deepEqual(await gone(), [])
  })

  it('one that is merely stopped is among those that have ended, and one that lives is not', async () => {
    const ended = async (): Promise<string[]> => {
      const found: string[] = []
      await forEachEnded(async (owner) => void found.push(owner), root)
      return found
    }
    const place = await entered()
    assert.deepEqual(await ended(), [])
    await place.release()
    assert.deepEqual([await ended(), await ended()], [[OWNER], [OWNER]])
    await (await entered()).release()
  })

  it('entry 48: one that lives keeps its own, whatever became of its folder', async () => {
    const place = await entered()
    await writeFile(join(dataFolder, PASSING_FILE), '')
    assert.deepEqual(await gone(), [])
    await rm(join(folder, 'disk'), { recursive: true })
    assert.deepEqual(await gone(), [])
    await place.release()
    assert.deepEqual(await gone(), [OWNER])
  })

  for (const [what, end] of [
    ['whose folder is gone', async () => await rm(dataFolder, { recursive: true })],
    ['whose folder is gone, with what was around it', async () => await rm(join(folder, 'disk'), { recursive: true })],
    ['that was not to be started again', async () => await writeFile(join(dataFolder, PASSING_FILE), '')],
  ] as const) {
    it(`entry 48: one ${what} has left, and is forgotten once that is seen to`, async () => {
      await (await entered()).release()
      await end()
      await assert.rejects(
        forEachGone(engine, async () => await Promise.reject(new Error('the engine is away')), root),
        /away/,
      )
      assert.deepEqual(await gone(join(folder, 'another.sock')), [], 'of another engine’s agents')
      assert.deepEqual(await gone(), [OWNER])
      assert.deepEqual(await readdir(root), [])
    })
  }

  it('entry 48: the hold of a process that is killed ends with it', async () => {
    const program = `
      const { enterAgent } = await import(${JSON.stringify(import.meta.resolve('../../../provider-agent/abandoned/known-agents.ts'))})
      await enterAgent(${JSON.stringify({ owner: OWNER, engine, dataFolder })}, ${JSON.stringify(root)})
      console.log('in')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await writeFile(join(dataFolder, PASSING_FILE), '')
    child.kill('SIGSTOP')
    assert.deepEqual(await gone(), [], 'held up, and not gone')
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
    assert.deepEqual(await gone(), [OWNER])
  })

  it('a folder that others can write to is trusted by nobody', async () => {
    await mkdir(root)
    await chmod(root, 0o777)
    assert.equal(await enterAgent({ owner: OWNER, engine, dataFolder }, root), null)
    await mkdir(join(root, OWNER))
    await writeFile(join(root, OWNER, 'agent.json'), JSON.stringify({ engine, dataFolder: '/gone', device: 0 }))
    assert.deepEqual(await gone(), [])
  })

  it('what is no agent’s is left alone', async () => {
    await mkdir(join(root, OWNER), { recursive: true, mode: 0o700 })
    await mkdir(join(root, 'something'), { mode: 0o700 })
    for (const text of ['', '{', 'null', '{}', `{"engine":${JSON.stringify(engine)},"dataFolder":1,"device":0}`]) {
      await writeFile(join(root, OWNER, 'agent.json'), text)
      assert.deepEqual(await gone(), [], text)
    }
    assert.deepEqual((await readdir(root)).toSorted(), [OWNER, 'something'])
  })
})
