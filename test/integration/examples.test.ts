/** The examples as they stand, as people run them: against one network of a gateway and an agent, with real containers. */

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { freePort } from '../../scripts/free-port.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { type LocalNetwork, startLocalNetwork } from '../../scripts/local-network.ts'
import { PROGRAM } from '../../scripts/testing/programs.ts'
import { until } from '../support/until.ts'

const ROOT = join(import.meta.dirname, '../..')
const EXAMPLES = join(ROOT, 'examples')
const execute = promisify(execFile)

describe('the examples', () => {
  let engine: EngineHandle
  let network: LocalNetwork
  let folder: string
  let env: NodeJS.ProcessEnv

  before(async () => {
    engine = await ensureEngine()
    const image = await ensureBusyboxImage(new Docker({ socketPath: engine.socketPath }))
    folder = await mkdtemp(join(tmpdir(), 'cortex-examples-'))
    // The program on the path, and the client's package as if it were installed.
    await mkdir(join(folder, 'bin'))
    await writeFile(join(folder, 'bin/cortex'), `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} "$@"\n`)
    await chmod(join(folder, 'bin/cortex'), 0o755)
    const own = join(folder, 'client')
    await mkdir(own)
    await mkdir(join(folder, 'node_modules'))
    await writeFile(join(own, 'package.json'), '{"name":"cortex-client","type":"module","exports":"./index.ts"}')
    await writeFile(join(own, 'index.ts'), `export * from '${pathToFileURL(join(ROOT, 'gateway/client/index.ts'))}'\n`)
    await symlink(own, join(folder, 'node_modules/cortex-client'))
    network = await startLocalNetwork({
      dockerHost: `unix://${engine.socketPath}`,
      isPassing: true,
      agents: [{ name: 'seller', flags: ['--cpu', '500', '--memory', '256Mi', '--storage', '512Mi', '--stop-jobs'] }],
      gatewayFlags: ['--allow-private-webhooks'],
    })
    const { HOME: _home, ...rest } = process.env
    env = {
      ...Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith('CORTEX_'))),
      ...{ HOME: folder, PATH: `${join(folder, 'bin')}:${process.env.PATH}`, IMAGE: image },
      ...{ CORTEX_GATEWAY: network.url, CORTEX_KEY: network.key, DOCKER_HOST: `unix://${engine.socketPath}` },
    }
    await until(async () => JSON.parse(await cortex('provider', 'list', '--json', '--gateway', network.url)).length > 0)
  })
  after(async () => {
    await network?.stop()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    await engine?.stop()
  })

  const run = async (program: string, ...args: string[]): Promise<string> =>
    (await execute(program, args, { env, cwd: folder })).stdout
  const cortex = async (...args: string[]): Promise<string> => await run('cortex', ...args)

  it('hello-api: a job by curl', async () => {
    const out = await run('sh', join(EXAMPLES, 'hello-api/hello.sh'))
    assert.match(out, /^submitted job_/)
    assert.match(out, /hello from /)
    assert.match(out, /"status":"completed"/)
  })

  it('typescript-client: a job by a program', async () => {
    // Beside the package, as in a project of its own.
    await writeFile(join(folder, 'hello.ts'), await readFile(join(EXAMPLES, 'typescript-client/hello.ts')))
    const out = await run(process.execPath, join(folder, 'hello.ts'))
    assert.match(out, /^line 1\nline 2\nline 3\ncompleted 0 \$[\d.e-]+\n$/)
  })

  it('typescript-client: a machine to work in', async () => {
    await writeFile(join(folder, 'sandbox.ts'), await readFile(join(EXAMPLES, 'typescript-client/sandbox.ts')))
    const out = await run(process.execPath, join(folder, 'sandbox.ts'))
    assert.equal(out, '3 page.html\nline 1\nline 2\nline 3\nexited with 0\na page\n')
  })

  it('batch-csv: a job for each row', async () => {
    await run('sh', join(EXAMPLES, 'batch-csv/batch.sh'))
    const jobs = JSON.parse(await cortex('job', 'list', '--json', '--label', 'row=second'))
    const [job] = jobs.items ?? jobs
    assert.equal(job.status, 'completed')
    assert.match(await cortex('job', 'logs', job.id), /strip is 20/)
  })

  it('schedule: every night', async () => {
    const out = await run('sh', join(EXAMPLES, 'schedule/nightly.sh'))
    assert.match(out, /^made schedule_/)
    assert.match(out, /Europe\/Berlin/)
  })

  it('outputs: files that a job leaves', async () => {
    const out = await run('sh', join(EXAMPLES, 'outputs/outputs.sh'), 'results')
    assert.match(out, /by-size\/1\.txt\n.*by-size\/2\.txt\n.*by-size\/3\.txt\n$/)
    const [file = ''] = out.trim().split('\n').slice(-1)
    assert.equal(await readFile(join(folder, file), 'utf8'), '1\n2\n3\n')
  })

  it('webhook-receiver: takes what is signed, once, and nothing else', async () => {
    const secret = 'a secret of this test'
    const child = spawn(process.execPath, [join(EXAMPLES, 'webhook-receiver/receiver.mjs')], {
      env: { ...env, SECRET: secret, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    try {
      await until(() => /listening on port \d+/.test(out))
      const url = `http://127.0.0.1:${/port (\d+)/.exec(out)?.[1]}/`
      const forged = { 'X-Cortex-Signature': `t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}` }
      for (const headers of [{}, forged]) {
        assert.equal((await fetch(url, { method: 'POST', body: '{}', headers })).status, 401)
      }
      await cortex('webhook', 'create', url, 'job.completed', '--secret', secret)
      await run('sh', join(EXAMPLES, 'hello-api/hello.sh'))
      await until(() => /^job\.completed job_/m.test(out))
    } finally {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
  })

  it('selling-by-hours: settings that an agent takes', async () => {
    const path = join(EXAMPLES, 'selling-by-hours/cortex.yaml')
    const settings = JSON.parse(await cortex('config', 'agent', '--config', path, '--json')) as {
      name: string
      from: string
    }[]
    const given = settings.filter(({ from }) => from === `file ${path}`).map(({ name }) => name)
    for (const name of ['hours', 'timeZone', 'priceRule', 'priceCpu', 'maxBandwidth', 'label']) {
      assert.ok(given.includes(name), name)
    }
  })

  it('private-network: a gateway and a provider that meet by the key alone', async () => {
    const [peerPort, port] = [await freePort(), await freePort()]
    const own = { ...env, NETWORK_KEY: join(folder, 'cortex.key'), PEER_PORT: String(peerPort), PORT: String(port) }
    const start = (name: string, more: object) =>
      spawn('sh', [join(EXAMPLES, 'private-network', `${name}.sh`)], {
        env: { ...own, DATA: join(folder, name), CORTEX_NO_MDNS: 'true', ...more },
        stdio: 'ignore',
      })
    const first = start('first', {})
    const children = [first]
    try {
      const admin = join(folder, 'first/gateway/admin.key')
      await until(async () =>
        (await readdir(join(folder, 'first/gateway')).catch((): string[] => [])).includes('admin.key'),
      )
      const gateway = ['--gateway', `http://127.0.0.1:${port}`, '--key', (await readFile(admin, 'utf8')).trim()]
      children.push(start('second', { FIRST: '127.0.0.1', CORTEX_LISTEN: '/ip4/127.0.0.1/tcp/0' }))
      const found = async () => await cortex('provider', 'list', '--json', ...gateway).catch(() => '[]')
      await until(async () => JSON.parse(await found()).length === 1)
    } finally {
      for (const child of children.toReversed()) {
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        await ended
      }
    }
  })

  it('are in the table, each', async () => {
    const readme = await readFile(join(EXAMPLES, 'README.md'), 'utf8')
    const folders = (await readdir(EXAMPLES, { withFileTypes: true })).filter((entry) => entry.isDirectory())
    for (const { name } of folders) assert.ok(readme.includes(`[${name}](${name})`), name)
  })
})
