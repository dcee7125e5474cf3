import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { CortexClient } from '../../gateway/client/index.ts'
import { forwardPorts } from '../../gateway/commands/forward-job.ts'
import { TAKEN_CLOSE } from '../../gateway/contract/exec-closes.ts'
import { until } from '../support/until.ts'
import { type Api, openApi } from './support/api.ts'
import { openAll, watch } from './support/held-open.ts'
import { openMarket, type TestMarket } from './support/market.ts'
import { startCortex } from './support/program.ts'

/** A web server whose page says what it was sent, and a port that agrees to any upgrade and then says everything twice. */
const SERVER = `mkdir -p /www/cgi-bin && cd /www && echo page > index.html
cat > cgi-bin/echo <<'END'
#!/bin/sh
printf 'Content-Type: text/plain\\r\\nSet-Cookie: own=1; Domain=localhost; Path=/\\r\\nAccess-Control-Allow-Origin: *\\r\\n\\r\\n'
env | grep HTTP_; echo "$REQUEST_METHOD $QUERY_STRING"; cat
END
cat > /upgrade <<'END'
#!/bin/sh
while read -r line; do [ "$line" = "$(printf '\\r')" ] && break; done
printf 'HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSet-Cookie: a=1; domain=localhost\\r\\n\\r\\n'
cat
END
printf '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"; echo begun; sleep 60\n' > cgi-bin/slow
chmod +x cgi-bin/* /upgrade
httpd -p 8080 -h /www & nc -ll -p 8081 -e /upgrade & nc -ll -p 8082 -e cat &
for port in 8080 8081 8082; do until netstat -ltn | grep -q ":$port "; do sleep 0.2; done; done; echo up; wait`

interface Said {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

describe('a container through the gateway', () => {
  let market: TestMarket
  let api: Api
  let id: string
  let client: CortexClient
  before(async () => {
    market = await openMarket()
    await market.addSeller()
    api = await openApi(market)
    client = new CortexClient({ baseUrl: api.url, apiKey: api.key })
    const ports = [8080, 8081, 8082].map((port) => ({ port }))
    id = await api.submit(market.job(SERVER, { ports, network: 'bridge', duration: 3_600 }))
    await market.when(id, ({ state, logs }) => state.status === 'running' && logs.lines > 0)
  })
  after(async () => {
    await market.close()
  })

  /** What a browser sends to a port's own origin: the name leads to loopback. */
  async function at(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Said> {
    const { hostname, port, pathname, search } = new URL(url)
    const asked = request({
      ...{ host: '127.0.0.1', port, path: `${pathname}${search}`, method, setHost: false },
      headers: { host: `${hostname}:${port}`, ...headers },
    })
    asked.end()
    const [response] = await once(asked, 'response')
    return { status: response.statusCode, headers: response.headers, body: await text(response) }
  }

  async function proxied(path: string, init: RequestInit = {}) {
    const headers = { Authorization: `Bearer ${api.key}`, ...(init.headers as Record<string, string>) }
    return await fetch(`${api.url}/api/plugin-core/jobs/${id}/proxy/8080${path}`, { ...init, headers })
  }

  test('programs reach a port with their key, which stays here', async () => {
    assert.equal(await (await proxied('/')).text(), 'page\n')
    const big = Buffer.alloc(3_000_000, 'x')
    const headers = { Cookie: 'a=b', 'X-Forwarded-For': '1.2.3.4', 'X-Own': 'kept' }
    const answer = await proxied('/cgi-bin/echo?q=1', { method: 'POST', body: big, headers })
    const said = Buffer.from(await answer.arrayBuffer())
    const told = said.subarray(0, said.length - big.length).toString()
    assert.match(told, /POST q=1/)
    assert.ok(said.subarray(-big.length).equals(big))
    assert.doesNotMatch(told, /Bearer|COOKIE|1\.2\.3\.4/)
    assert.match(told, /HTTP_X_OWN=kept/)
    const policy = [answer.headers.get('content-security-policy'), answer.headers.get('set-cookie')]
    assert.deepEqual([...policy, answer.headers.get('access-control-allow-origin')], ['sandbox', null, null])
  })

  test('a machine to work in: commands as they write, files, its end', async () => {
    const small = { image: market.image, cpu: 100, memory: '16Mi', storage: '16Mi', network: 'none' } as const
    const idle = await client.sandboxes.create({ ...small, idle: 5, ttl: 120 })
    const box = await client.sandboxes.create({ ...small, ttl: 600, env: { A: 'job' } })
    const said: unknown[] = []
    for await (const output of box.stream('mkfifo /fifo; echo "$A é"; read -r line </fifo; echo "$line" >&2; exit 7')) {
      said.push(output)
      // It comes while the command runs: the command waits for this.
      if (said.length === 1) await (await client.sandboxes.get(box.id)).exec('echo go >/fifo')
    }
    const [out, wrong] = [
      { type: 'stdout', text: 'job é\n' },
      { type: 'stderr', text: 'go\n' },
    ]
    assert.deepEqual(said, [out, wrong, { type: 'exit', exitCode: 7 }])
    await box.files.write('/a b/file', 'text')
    const { stdout } = await box.exec(['sh', '-c', 'pwd; cat file; echo "$A" "$B"'], {
      cwd: '/a b',
      env: { B: 'x  y' },
    })
    assert.equal(stdout, '/a b\ntextjob x  y\n')
    assert.equal(await box.files.text('/a b/file'), 'text')
    assert.deepEqual(await box.files.read('/a b/file'), new TextEncoder().encode('text'))
    assert.deepEqual(
      (await box.files.list('/a b')).map(({ name, size }) => [name, size]),
      [['file', 4]],
    )
    await box.files.remove('/a b', { recursive: true })
    await assert.rejects(box.files.list('/a b'), { code: 'RESOURCE_NOT_FOUND' })
    assert.equal((await box.extend(60)).duration, 660)
    await box.stop()
    await market.ended(box.id)
    await box.stop()
    await assert.rejects(box.stream('date').next(), { code: 'JOB_STATE_CONFLICT' })
    const { state } = await market.ended(idle.id)
    assert.equal(state.status, 'completed', 'nobody used it')
    const missing = client.sandboxes.create({ ...small, image: 'localhost:1/none', queueTimeout: 1 })
    await assert.rejects(missing, { code: 'JOB_STATE_CONFLICT' })
  })

  test('what is not there is said: job, port, key', async () => {
    const ask = async (path: string, key = api.key) => {
      const answer = await fetch(`${api.url}/api${path}`, { headers: { Authorization: `Bearer ${key}` } })
      return [answer.status, ((await answer.json()) as { error: { code: string } }).error.code]
    }
    const base = `/plugin-core/jobs/${id}/proxy`
    assert.deepEqual(await ask(`${base}/22/`), [404, 'RESOURCE_NOT_FOUND'])
    assert.deepEqual(await ask(`${base}/x/`), [400, 'VALIDATION_ERROR'])
    assert.deepEqual(await ask(`${base}/8080/`, 'ck_wrong'), [401, 'UNAUTHORIZED'])
    assert.deepEqual(await ask(`/plugin-core/jobs/${id}/tunnel/8080`), [400, 'VALIDATION_ERROR'])
  })

  test('browsers reach a port at its own origin, by a link that opens once', async () => {
    const { url } = await client.jobs.link(id, 8080, { path: '/cgi-bin/echo?q=2' })
    assert.equal(new URL(url).hostname, `8080--${id}.localhost`)
    const opened = await at(url)
    assert.deepEqual([opened.status, opened.headers.location], [303, '/cgi-bin/echo?q=2'])
    assert.equal((await at(url)).status, 401)
    const [cookie = ''] = [opened.headers['set-cookie'] ?? []].flat()
    assert.match(cookie, /^cortex_port=[^;]+; .*HttpOnly/)
    const pair = { cookie: `own=1; ${cookie.split(';')[0]}; cortex_session=theirs` }
    const origin = new URL(url).origin
    const page = await at(`${origin}/cgi-bin/echo?q=2`, pair)
    assert.deepEqual([page.status, page.headers['set-cookie']], [200, ['own=1; Path=/']])
    assert.match(page.body, /HTTP_COOKIE=own=1\n/)
    // Elsewhere it opens nothing: another port, the API, or what another page sends.
    assert.equal((await at(`http://8081--${id}.localhost:${new URL(url).port}/`, pair)).status, 401)
    assert.equal((await at(`${origin}/api/plugin-core/jobs`, pair)).status, 404)
    assert.equal((await at(`${origin}/`, { ...pair, 'sec-fetch-site': 'same-site' })).status, 403)
    assert.equal((await at(`${origin}/`, { ...pair, origin: 'http://evil.example' }, 'POST')).status, 403)
    const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    assert.equal((await at(`${origin}/`, { ...pair, ...navigation })).status, 200)
    assert.equal((await at(`${origin}/`)).status, 401)
  })

  test('another protocol is joined through, head and all', async () => {
    const { host, port } = new URL(api.url)
    const socket = connect({ host: '127.0.0.1', port: Number(port) })
    const path = `/api/v1/plugin-core/jobs/${id}/proxy/8081/chat`
    const head = ['Upgrade: websocket', 'Connection: Upgrade', `Host: ${host}`, `Authorization: Bearer ${api.key}`]
    socket.write(`GET ${path} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\nfirst words `)
    socket.end('and last')
    const said = (await buffer(socket)).toString()
    assert.match(said, /^HTTP\/1\.1 101 /)
    assert.doesNotMatch(said, /set-cookie/i)
    assert.match(said, /\r\n\r\nfirst words and last$/)
  })

  test('an upgrade without a key is refused as any request', async () => {
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}/api/plugin-core/jobs/${id}/proxy/8081/`)
    const [, response] = await once(socket, 'unexpected-response')
    assert.equal(response.statusCode, 401)
    socket.on('error', () => undefined)
    socket.terminate()
  })

  test('a command, its output and its exit code', async () => {
    const command = ['sh', '-c', 'echo out; echo err >&2; exit 4']
    const ended = await client.jobs.exec(id, command)
    assert.deepEqual(ended, { exitCode: 4, stdout: 'out\n', stderr: 'err\n', truncated: false })
    const late = await client.jobs.exec(id, ['sh', '-c', 'echo begun; sleep 60'], { timeout: 10 })
    assert.deepEqual(late, { exitCode: null, stdout: 'begun\n', stderr: '', truncated: false })
    const many = await client.jobs.exec(id, ['head', '-c', '2000000', '/dev/zero'])
    assert.deepEqual([many.exitCode, many.stdout.length, many.truncated], [0, 2 ** 20, true])
  })

  test('a terminal over a socket that opens once', async () => {
    const { url } = await client.jobs.openExec(id, { command: ['sh'], columns: 90, rows: 20 })
    const socket = new WebSocket(url)
    let said = ''
    let exit: unknown
    socket.on('message', (data, isBinary) => {
      if (!isBinary) exit = JSON.parse(String(data))
      else said += (data as Buffer).subarray(1).toString()
      if (said.includes('20 90') && !said.includes('exit')) {
        socket.send(JSON.stringify({ type: 'resize', columns: 100, rows: 30 }))
        socket.send(Buffer.from('stty size; exit 7\n'))
      }
    })
    await once(socket, 'open')
    socket.send(Buffer.from('stty size\n'))
    await once(socket, 'close')
    assert.match(said, /20 90[\s\S]*30 100/)
    assert.deepEqual(exit, { type: 'exit', exitCode: 7 })
    const again = new WebSocket(url)
    const [, response] = await once(again, 'unexpected-response')
    assert.equal(response.statusCode, 401)
    again.on('error', () => undefined)
    again.terminate()
  })

  test('cortex job exec ends as the command did, and cortex job output writes the files', async () => {
    const door = ['--gateway', api.url, '--key', api.key]
    const words = ['sh', '-c', 'echo out; echo err >&2; exit 5']
    const exec = startCortex(['job', 'exec', ...door, id, '--', ...words])
    const { code, stdout, stderr } = await exec.ended
    assert.deepEqual([code, stdout.toString(), stderr], [5, 'out\n', 'err\n'])
    const job = await api.run(market.job('echo kept > /file', { outputs: '/file' }))
    const folder = join(market.folder, 'fetched')
    const output = await startCortex(['job', 'output', ...door, job.id, '-o', folder]).ended
    assert.equal(output.code, 0, output.stderr)
    assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'kept\n')
  })

  test('what the container is doing', async () => {
    const container = await client.jobs.container(id)
    assert.ok(container.processes.some(({ command }) => command.includes('httpd -p 8080')))
    assert.equal(container.usage.memoryLimit, 16 * 2 ** 20)
  })

  test('a local port leads to the container’s, both directions ending by themselves', async () => {
    const rule = { host: '127.0.0.1', localPort: 0, port: 8082, protocol: 'TCP' as const }
    const forwarding = await forwardPorts(client, id, [rule])
    try {
      const { localPort } = JSON.parse(forwarding.lines(true)[0] ?? '')
      const sent = Buffer.alloc(2_000_000, 'abc')
      const sockets: Socket[] = []
      // Opened one after the other: of more than two that wait to be accepted by `nc`, the kernel leaves some waiting.
      for (let opened = 0; opened < 10; opened += 1) {
        const socket = connect({ host: '127.0.0.1', port: localPort })
        socket.write('.')
        assert.equal(String((await once(socket, 'data'))[0]), '.')
        sockets.push(socket)
      }
      const answers = await Promise.all(
        sockets.map(async (socket) => {
          socket.end(sent)
          return (await buffer(socket)).equals(sent)
        }),
      )
      assert.deepEqual(new Set(answers), new Set([true]))
    } finally {
      await forwarding.close()
    }
  })

  test('a kept command goes on with whoever comes with its code, which no other path uses up', async () => {
    const { url } = await client.jobs.openExec(id, { command: ['cat'], keep: true })
    const texts: string[] = []
    const open = (address: string): WebSocket => {
      const socket = new WebSocket(address.replace('http', 'ws'))
      return socket.on('message', (data, isBinary) => void texts.push(String(data).slice(isBinary ? 1 : 0)))
    }
    const first = open(url)
    await until(async () => texts.includes('{"type":"told"}'))
    const { code } = JSON.parse(texts[0] ?? '{}')
    first.send(Buffer.from('said'))
    await until(async () => texts.includes('said'))
    const next = url.replace(/code=.*/, `code=${code}`)
    const [refused] = await once(open(next.replace(id, `${id}0`)), 'error')
    assert.match(String(refused), /401/)
    const left = once(first, 'close')
    texts.length = 0
    const second = open(next)
    assert.equal((await left)[0], TAKEN_CLOSE)
    await until(async () => texts.includes('{"type":"told"}'))
    assert.deepEqual(texts.slice(1), ['said', '{"type":"told"}'])
    second.close(1000)
  })

  test('what a key or a session holds open ends with it, and nothing else does', async () => {
    const keys = await Promise.all(
      ['one', 'other'].map(
        async (name) => await client.keys.create({ name, permissions: ['jobs:*', 'providers:read'] }),
      ),
    )
    const [one, other] = keys
    const signIn = async () => {
      const body = JSON.stringify({ key: api.key })
      const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
      const answer = await fetch(`${api.url}/api/auth/session`, init)
      return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
    }
    const cookie = await signIn()
    const cookieOf = async (link: string) => [(await at(link)).headers['set-cookie'] ?? []].flat()[0] ?? ''
    const open = async (key: string, of: string | null) => await openAll({ url: api.url, id, cookieOf }, key, of)
    const [byKey, byOther, bySession] = (
      await Promise.all([open(one?.key ?? '', null), open(other?.key ?? '', null), open('', cookie)])
    ).map(watch)
    const sleeps = async () =>
      (await client.jobs.container(id)).processes.filter(({ command }) => command === 'sleep 61').length
    await until(async () => (await sleeps()) === 2)
    await client.keys.revoke(one?.id ?? '')
    await until(() => byKey?.().length === 0)
    // The commands themselves, too, and not only what is heard of them.
    await until(async () => (await sleeps()) === 1)
    await fetch(`${api.url}/api/auth/session`, { method: 'DELETE', headers: { Cookie: cookie, Origin: api.url } })
    await until(() => bySession?.().length === 0)
    assert.deepEqual(byOther?.().sort(), [
      'channel',
      'command',
      'events',
      'page',
      'request',
      'shell',
      'tunnel',
      'tunnels',
    ])
    // The other key's are left open: they end when the gateway does, or the market never closes.
    const wrong = await fetch(`${api.url}/api/plugin-core/jobs`, { headers: { Cookie: cookie } })
    assert.equal(wrong.status, 401)
  })

  test('the output of a job that has just ended', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-output-'))
    const script = 'mkdir -p /out/deep; echo result > /out/deep/file; chmod 4755 /out/deep/file'
    const job = await api.run(market.job(script, { outputs: '/out' }))
    assert.equal(job.results.outputUrl, `/api/plugin-core/jobs/${job.id}/output`)
    const { extractTar } = await import('../../node/outputs/extract.ts')
    const { Readable } = await import('node:stream')
    const tar = await client.jobs.output(job.id)
    await extractTar(Readable.fromWeb(tar as never), folder, ['out'])
    assert.equal(await readFile(join(folder, 'out/deep/file'), 'utf8'), 'result\n')
    await rm(folder, { recursive: true })
  })
})
