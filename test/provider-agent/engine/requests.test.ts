import assert from 'node:assert/strict'
import { test } from 'node:test'
import Docker from 'dockerode'
import { createDockerEngine } from '../../../provider-agent/engine/docker.ts'
import type { ContainerSpec } from '../../../provider-agent/engine/index.ts'
import { frame, timestamp } from './docker-log.ts'
import { fakeEngine, json } from './fake-server.ts'

const spec: ContainerSpec = {
  name: 'job-1',
  image: 'busybox',
  command: [],
  args: [],
  env: { TOKEN: 'very-secret' },
  cpuMillis: 100,
  memoryBytes: 1_000,
  storageBytes: 1_000,
  gpu: 0,
  labels: {},
  owner: 'me',
  network: 'bridge',
}

const running = {
  State: { Running: true, Status: 'running' },
  Config: {},
  HostConfig: { LogConfig: { Type: 'local' } },
}

test('secrets are in the body of a request and never in its address', async (t) => {
  const { engine, requests } = await fakeEngine(t, {
    'POST /networks/create': json({ Id: '1' }, 201),
    'POST /containers/create': json({ Id: '1' }, 201),
  })
  await engine.create(spec)
  const create = requests.find(({ path }) => path.startsWith('POST /containers/create'))
  assert.equal(create?.path, 'POST /containers/create?name=job-1')
  assert.match(create?.body ?? '', /very-secret/)
  for (const { path } of requests) assert.doesNotMatch(path, /secret/, path)
})

test('a network that must be there first is waited for', async (t) => {
  let attempts = 0
  const { engine } = await fakeEngine(t, {
    'POST /networks/create': json({ Id: '1' }, 201),
    'POST /containers/create': (response) => {
      attempts += 1
      if (attempts === 1) json({ message: 'network job-1 not found' }, 404)(response)
      else json({ Id: '1' }, 201)(response)
    },
  })
  await engine.create(spec)
  assert.equal(attempts, 2)
})

test('a container whose network cannot be made is not left behind', async (t) => {
  const { engine, requests } = await fakeEngine(t, {
    'POST /networks/create': json({ message: 'no more of these' }, 500),
    'POST /containers/create': json({ Id: '1' }, 201),
    'DELETE /containers/job-1': json({}, 204),
  })
  await assert.rejects(engine.create(spec), { code: 'ENGINE_ERROR', message: 'creating job-1: no more of these' })
  assert.ok(requests.some(({ path }) => path.startsWith('DELETE /containers/job-1?')))
})

test('when the engine has no addresses left, a subnet is picked, and another if that is taken', async (t) => {
  const subnets: string[] = []
  const { engine } = await fakeEngine(t, {
    'POST /networks/create': (response, body) => {
      const subnet = JSON.parse(body).IPAM?.Config[0].Subnet
      if (subnet === undefined) {
        json(
          { message: 'could not find an available, non-overlapping IPv4 address pool among the defaults' },
          500,
        )(response)
        return
      }
      subnets.push(subnet)
      if (subnets.length < 3) json({ message: 'Pool overlaps with other one on this address space' }, 403)(response)
      else json({ Id: '1' }, 201)(response)
    },
    'POST /containers/create': json({ Id: '1' }, 201),
  })
  await engine.create(spec)
  assert.equal(subnets.length, 3)
  for (const subnet of subnets) assert.match(subnet, /^198\.1[89]\.\d+\.\d+\/28$/)
})

test('a log whose connection breaks is an error and not an end', async (t) => {
  const { engine } = await fakeEngine(t, {
    'GET /containers/job-1/json': json(running),
    'GET /containers/job-1/logs': (response) => {
      response.write(frame('stdout', timestamp(1), 'one\n'), () => response.destroy())
    },
  })
  const lines: string[] = []
  const reading = (async () => {
    for await (const batch of engine.logs('job-1', 1)) lines.push(...batch.map(({ line }) => line))
  })()
  await assert.rejects(reading, { code: 'ENGINE_UNAVAILABLE' })
  assert.deepEqual(lines, ['one'])
})

test('a log stream that ends before its container is opened again, and nothing comes twice', async (t) => {
  const records = ['one', 'two', 'three'].map((line, i) => frame('stdout', timestamp(i + 1), `${line}\n`))
  let opened = 0
  const { engine } = await fakeEngine(t, {
    'GET /containers/job-1/json': (response) => {
      json({ ...running, State: { Running: opened < 2, Status: 'running' } })(response)
    },
    'POST /containers/job-1/wait': json({ StatusCode: 0 }),
    'GET /containers/job-1/logs': (response) => {
      opened += 1
      response.end(Buffer.concat(records.slice(0, opened)))
    },
  })
  const lines: [number, string][] = []
  for await (const batch of engine.logs('job-1', 1))
    lines.push(...batch.map(({ number, line }) => [number, line] as [number, string]))
  assert.deepEqual(lines, [
    [1, 'one'],
    [2, 'two'],
    [3, 'three'],
  ])
})

test('the end of a long log is found again without reading all of it', async (t) => {
  const records = Array.from({ length: 3_000 }, (_, i) => frame('stdout', timestamp(i * 1_000), `line ${i}\n`))
  let ended = false
  const tails: (string | null)[] = []
  const { engine, requests } = await fakeEngine(t, {
    'GET /containers/job-1/json': (response) => json({ ...running, State: { Running: !ended, Status: 'x' } })(response),
    'POST /containers/job-1/wait': json({ StatusCode: 0 }),
    'GET /containers/job-1/logs': (response) => {
      const tail = new URL(requests.at(-1)?.path.slice(4) ?? '', 'http://x').searchParams.get('tail')
      tails.push(tail)
      response.end(Buffer.concat(tail === null ? records.slice(0, 2_990) : records.slice(-Number(tail))))
      ended = true
    },
  })
  const numbers: number[] = []
  for await (const batch of engine.logs('job-1', 1)) numbers.push(...batch.map(({ number }) => number))
  assert.deepEqual(
    numbers,
    Array.from({ length: 3_000 }, (_, i) => i + 1),
  )
  assert.deepEqual(tails, [null, '1000'])
})

test('an engine that is not there says so, whatever is asked', async () => {
  const engine = createDockerEngine({ docker: new Docker({ socketPath: '/nonexistent/docker.sock' }) })
  const gone = { code: 'ENGINE_UNAVAILABLE' }
  await assert.rejects(engine.info(), gone)
  await assert.rejects(engine.create(spec), gone)
  await assert.rejects(engine.start('job-1'), gone)
  await assert.rejects(engine.wait('job-1'), gone)
  await assert.rejects(engine.pull({ image: 'busybox', policy: 'Always' }), gone)
  await assert.rejects(engine.list('me'), gone)
})

test('names that would change the path of a request are refused by every call', async (t) => {
  const { engine, requests } = await fakeEngine(t, {})
  const invalid = { code: 'ENGINE_ERROR', details: { reason: 'invalid-name' } }
  const name = '../images/x'
  await assert.rejects(engine.start(name), invalid)
  await assert.rejects(engine.wait(name), invalid)
  await assert.rejects(engine.stop(name, { graceMs: 1 }), invalid)
  await assert.rejects(engine.remove(name), invalid)
  await assert.rejects(engine.logs(name, 1)[Symbol.asyncIterator]().next(), invalid)
  await assert.rejects(engine.stats(name, 1)[Symbol.asyncIterator]().next(), invalid)
  assert.deepEqual(requests, [])
})

test('a container that does not die by SIGKILL is given the CPU to do so', async (t) => {
  const died = Promise.withResolvers<void>()
  const { engine, requests } = await fakeEngine(t, {
    'GET /info': json({ Architecture: 'x86_64', NCPU: 8 }),
    'GET /containers/job-1/json': json({ ...running, Config: {} }),
    'POST /containers/job-1/kill': json({}, 204),
    'POST /containers/job-1/wait': async (response) => {
      await died.promise
      json({ StatusCode: 137 })(response)
    },
    'POST /containers/job-1/update': (response) => {
      json({ Warnings: [] })(response)
      died.resolve()
    },
  })
  await engine.stop('job-1', { graceMs: 0 })
  const [update] = requests.filter(({ path }) => path.startsWith('POST /containers/job-1/update'))
  assert.deepEqual(JSON.parse(update?.body ?? ''), { NanoCpus: 8e9 })
})
