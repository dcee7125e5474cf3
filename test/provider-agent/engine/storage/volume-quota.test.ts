import assert from 'node:assert/strict'
import { it } from 'node:test'
import type Docker from 'dockerode'
import { holdVolume } from '../../../../provider-agent/engine/storage/volume-quota.ts'
import { fakeEngine, json } from '../fake-server.ts'

it('a volume that this user cannot see is not held, which says nothing of the engine', async () => {
  for (const Mountpoint of ['/no/such/folder', '/dev/null/volume']) {
    const docker = { getVolume: () => ({ inspect: async () => ({ Mountpoint }) }) } as unknown as Docker
    const holding = holdVolume(docker, 'btrfs', { name: 'data', sizeBytes: 1 }, {})
    await assert.rejects(holding, { code: 'ENGINE_ERROR', message: /^holding volume data to its size: / })
  }
})

const MiB = 2 ** 20
/** An engine whose local driver takes a size and holds `limit` bytes to it; null is one that takes none. */
function answersOf(limit: number | null): Parameters<typeof fakeEngine>[1] {
  const refused = json({ message: 'create: quota size requested but no quota support' }, 500)
  return {
    'GET /images/json?': json([
      { Id: 'forgotten', Created: 0 },
      { Id: 'tried', Created: Date.now() / 1000 },
    ]),
    'GET /images/json': json([]),
    'POST /images/create': json({}),
    'GET /images/': json({ Id: 'made' }),
    'POST /networks/create': json({ Id: 'n' }, 201),
    'POST /volumes/create': (response, body) => {
      if (limit === null && JSON.parse(body).DriverOpts?.size !== undefined) refused(response)
      else json({ Name: 'x' }, 201)(response)
    },
    'GET /volumes?': json({ Volumes: [{ Name: 'cortex-probe-left' }] }),
    'GET /volumes/': json({ Name: 'x', Mountpoint: '/no/such/folder' }),
    'POST /containers/create': (response, body) => {
      // No quota for containers: only volumes are looked at here.
      if (JSON.parse(body).HostConfig.StorageOpt !== undefined) json({ message: 'no quota' }, 500)(response)
      else json({ Id: 'c' }, 201)(response)
    },
    'PUT /containers/c/archive?path=%2Fvolume': (response, body) => {
      if (body.length > (limit ?? 0)) json({ message: 'write: disk quota exceeded' }, 500)(response)
      else json({})(response)
    },
    'DELETE /images/': json([]),
    'DELETE /': json({}, 204),
  }
}

const cases: [what: string, limit: number | null, quota: 'hard' | 'measured'][] = [
  ['holds it to its size', 4 * MiB, 'hard'],
  ['takes a size and does nothing', 2 ** 40, 'measured'],
  ['takes a size and lets nothing be written', 0, 'measured'],
  ['takes none', null, 'measured'],
]
for (const [what, limit, quota] of cases) {
  it(`a volume of an engine that ${what} is ${quota}, and what tried it is removed`, async (t) => {
    const { engine, requests } = await fakeEngine(t, answersOf(limit))
    assert.equal((await engine.features()).volumeQuota, quota)
    const paths = requests.map(({ path }) => path)
    const made = paths.filter((path) => path.startsWith('POST /volumes/create')).length
    const removed = paths.filter((path) => path.startsWith('DELETE /volumes/cortex-probe-')).length
    assert.ok(removed > made - (limit === null ? 1 : 0), paths.join('\n'))
    // What agents left that were killed there.
    assert.ok(paths.includes('DELETE /volumes/cortex-probe-left'), paths.join('\n'))
    assert.ok(paths.includes('DELETE /images/forgotten') && !paths.includes('DELETE /images/tried'), paths.join('\n'))
    const [first] = requests.filter(({ path }) => path.startsWith('POST /volumes/create'))
    assert.deepEqual(JSON.parse(first?.body ?? '').DriverOpts, { size: String(4 * MiB) })
  })
}

it('a volume that is being tried is removed, too, where the engine takes longer than it is waited for', async (t) => {
  const stop = new AbortController()
  const { engine, requests } = await fakeEngine(t, {
    ...answersOf(4 * MiB),
    // Never answered, until nobody waits any more.
    'PUT /containers/c/archive?path=%2Fvolume': () => stop.abort(new Error('waited long enough')),
  })
  await assert.rejects(engine.features({ signal: stop.signal }), /waited long enough/)
  const names = (start: string): string[] =>
    requests.filter(({ path }) => path.startsWith(start)).map(({ path, body }) => `${path} ${body}`)
  const [made] = names('POST /volumes/create').map((text) => /cortex-probe-\w+/.exec(text)?.[0])
  assert.ok(made !== undefined && names('DELETE /volumes/').some((text) => text.includes(made)))
})
