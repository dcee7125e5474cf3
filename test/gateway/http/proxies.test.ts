/** The set-ups of docs/https.md, with the proxies of Debian. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { createGateway, type Gateway } from '../../../gateway/index.ts'
import { silentLogger } from '../../../node/logger.ts'
import { canInstall, findProgram, installPackages } from '../../../scripts/apt.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { type MadeCertificate, makeCertificate } from '../../support/certificate.ts'
import { until } from '../../support/until.ts'
import { openTestNode, type TestNode } from '../support/test-node.ts'

interface Proxy {
  name: string
  debianPackage: string
  /** The language of its block in the guide. */
  language: string
  /** Makes the guide's set-up one for this test. */
  adapt(config: string, init: { port: number; gateway: string; made: MadeCertificate; folder: string }): string
  run(configPath: string): string[]
}

const PROXIES: Proxy[] = [
  {
    name: 'caddy',
    debianPackage: 'caddy',
    language: 'caddyfile',
    adapt: (config, { port, gateway, made }) => {
      const options = `{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n`
      const tls = `localhost:${port} {\n\ttls ${made.certPath} ${made.keyPath}`
      return `${options}${config.replace('cortex.example {', tls).replace('127.0.0.1:13000', gateway)}`
    },
    run: (path) => ['run', '--config', path, '--adapter', 'caddyfile'],
  },
  {
    name: 'nginx',
    debianPackage: 'nginx-light',
    language: 'nginx',
    adapt: (config, { port, gateway, made, folder }) => {
      const site = config
        .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
        .replace('server_name cortex.example', 'server_name localhost')
        .replace('/etc/letsencrypt/live/cortex.example/fullchain.pem', made.certPath)
        .replace('/etc/letsencrypt/live/cortex.example/privkey.pem', made.keyPath)
        .replace('127.0.0.1:13000', gateway)
      const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${folder}/${name};`)
        .join(' ')
      return `daemon off; pid ${folder}/nginx.pid; events {} http { access_log off; ${paths}\n${site}\n}`
    },
    run: (path) => ['-e', 'stderr', '-c', path],
  },
]

for (const proxy of PROXIES) {
  const skip =
    (await findProgram(proxy.name)) === null && !(await canInstall())
      ? `${proxy.name} is not on this machine: run it as root on Debian or Ubuntu, or install ${proxy.debianPackage}`
      : false

  describe(`behind ${proxy.name}, set up as the guide says`, { skip }, () => {
    let folder: string
    let test: TestNode
    let gateway: Gateway
    let made: MadeCertificate
    let port: number
    let child: ChildProcess
    let said = ''

    before(async () => {
      if ((await findProgram(proxy.name)) === null) await installPackages([proxy.debianPackage], () => undefined)
      folder = await mkdtemp(join(tmpdir(), 'cortex-proxy-'))
      made = makeCertificate(folder, 'DNS:localhost,IP:127.0.0.1')
      test = await openTestNode()
      // Of the addresses of loopback the proxy's alone, so that its clients can be told from it.
      gateway = createGateway(
        { node: test.node, logger: silentLogger },
        { folder, port: 0, trustedProxies: ['127.0.0.1'] },
      )
      await gateway.start()
      port = await freePort()
      const guide = await readFile(join(import.meta.dirname, '../../../docs/https.md'), 'utf8')
      const config = new RegExp(`\`\`\`${proxy.language}\\n(.*?)\`\`\``, 's').exec(guide)?.[1] ?? ''
      assert.notEqual(config, '')
      const configPath = join(folder, 'config')
      const { port: own } = new URL(gateway.url())
      await writeFile(configPath, proxy.adapt(config, { port, gateway: `127.0.0.1:${own}`, made, folder }))
      const program = (await findProgram(proxy.name)) ?? ''
      const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
      child = spawn(program, proxy.run(configPath), { stdio: ['ignore', 'ignore', 'pipe'], env })
      child.stderr?.on('data', (chunk: Buffer) => {
        said += chunk
      })
      const answers = async (): Promise<boolean> => {
        assert.equal(child.exitCode, null, said)
        return await ask('/api/health').then(
          ({ status }) => status === 200,
          () => false,
        )
      }
      await until(answers)
    })
    after(async () => {
      if (child?.exitCode === null) {
        const ended = once(child, 'exit')
        child.kill()
        await ended
      }
      await gateway?.stop()
      await test?.close()
      await rm(folder, { recursive: true })
    })

    async function open(
      path: string,
      init: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
    ): Promise<IncomingMessage> {
      const { method = 'GET', headers = {}, body } = init
      const where = { host: '127.0.0.1', port, path, servername: 'localhost', localAddress: '127.0.0.2' }
      const asked = request({
        ...where,
        method,
        headers: { host: `localhost:${port}`, ...headers },
        ca: made.cert,
        agent: false,
      })
      asked.end(body)
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      return answer
    }

    async function ask(...asked: Parameters<typeof open>) {
      const answer = await open(...asked)
      return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
    }

    const bearer = () => ({ authorization: `Bearer ${gateway.adminKey().text}` })
    const template = () => JSON.stringify({ name: randomBytes(8).toString('hex'), config: { image: 'busybox' } })
    const TEMPLATES = '/api/v1/plugin-core/jobs/templates'

    it('a browser signs in and changes things', async () => {
      const origin = `https://localhost:${port}`
      const json = { 'content-type': 'application/json', origin }
      const body = JSON.stringify({ key: gateway.adminKey().text })
      const signedIn = await ask('/api/v1/auth/session', { method: 'POST', headers: json, body })
      assert.equal(signedIn.status, 201, signedIn.body)
      const [cookie = ''] = (signedIn.headers['set-cookie'] ?? []).map((one) => one.split(';')[0])
      assert.match(cookie, /^__Host-/)
      const made = await ask(TEMPLATES, { method: 'POST', headers: { ...json, cookie }, body: template() })
      assert.equal(made.status, 201, made.body)
      const foreign = { ...json, cookie, origin: 'https://evil.example' }
      assert.equal((await ask(TEMPLATES, { method: 'POST', headers: foreign, body: template() })).status, 403)
    })

    it('the audit has the client’s address, and not one that it makes up', async () => {
      const headers = { ...bearer(), 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.66' }
      assert.equal((await ask(TEMPLATES, { method: 'POST', headers, body: template() })).status, 201)
      const { body } = await ask('/api/v1/system/audit?limit=1', { headers: bearer() })
      assert.equal(JSON.parse(body).data[0].address, '127.0.0.2')
    })

    it('events come as they happen, and WebSockets open', async () => {
      const headers = { ...bearer(), accept: 'text/event-stream' }
      const events = await open('/api/v1/plugin-core/events', { headers })
      assert.equal(events.statusCode, 200)
      const [first] = (await once(events, 'data')) as [Buffer]
      assert.ok(first.length > 0)
      events.destroy()
      const socket = new WebSocket(`wss://localhost:${port}/ws`, { ca: made.cert, headers: bearer(), family: 4 })
      await once(socket, 'open')
      socket.terminate()
    })

    it('who speaks HTTP/2 has requests and event streams by one connection', async () => {
      const session = connect(`https://127.0.0.1:${port}`, { ca: made.cert, servername: 'localhost' })
      const begin = async (path: string, accept: string): Promise<ClientHttp2Stream> => {
        const asked = session.request({ ':path': path, ':authority': `localhost:${port}`, accept, ...bearer() })
        const [answer] = (await once(asked, 'response')) as [IncomingHttpHeaders]
        assert.equal(answer[':status'], 200, path)
        return asked
      }
      const paths = Array.from({ length: 10 }, () => '/api/v1/plugin-core/events')
      const streams = await Promise.all(paths.map(async (path) => await begin(path, 'text/event-stream')))
      assert.equal(session.alpnProtocol, 'h2')
      const asked = await begin('/api/health', 'application/json')
      assert.match(await text(asked), /"success":true/)
      const events = await Promise.all(streams.map(async (stream) => (await once(stream, 'data')) as [Buffer]))
      for (const [first] of events) assert.ok(first.length > 0)
      session.destroy()
    })

    it('uploads are larger than what proxies hold in memory', async () => {
      const body = randomBytes(4 * 2 ** 20)
      const headers = { ...bearer(), 'content-type': 'application/octet-stream' }
      const given = await ask('/api/v1/plugin-core/uploads', { method: 'POST', headers, body })
      assert.equal(given.status, 201, given.body)
    })
  })
}
