/** Certificates from an authority: Let's Encrypt's own server for tests, which asks as the real one does. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { createGateway, type Gateway, type GatewayInit } from '../../../gateway/index.ts'
import { type Clock, systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { canInstall, findProgram, installPackages } from '../../../scripts/apt.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { certificate } from '../../support/certificate.ts'
import { until } from '../../support/until.ts'
import { openTestNode, type TestNode } from '../support/test-node.ts'

const DOMAINS = ['cortex.example', 'www.cortex.example']
const DAY_MS = 24 * 3_600_000

const skip =
  (await findProgram('pebble')) === null && !(await canInstall())
    ? 'pebble is not on this machine: run it as root on Debian or Ubuntu, or install pebble'
    : false

describe('a certificate from an authority', { skip }, () => {
  let folder: string
  let programs: ChildProcess[] = []
  let said = ''
  let directoryUrl: string
  /** Where the authority asks. */
  let asked: number
  let test: TestNode
  let gateway: Gateway | undefined

  async function run(name: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
    const program = (await findProgram(name)) ?? name
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said = (said + chunk).slice(-10_000)
      })
    }
    programs.push(child)
  }

  before(async () => {
    if ((await findProgram('pebble')) === null) await installPackages(['pebble'], () => undefined)
    folder = await mkdtemp(join(tmpdir(), 'cortex-acme-'))
    const own = await certificate()
    const [certPath, keyPath] = [join(folder, 'pebble.cert'), join(folder, 'pebble.key')]
    await writeFile(certPath, own.cert)
    await writeFile(keyPath, own.key)
    asked = await freePort()
    const [port, dns, management, other] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
    const config = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${other}`,
      certificate: certPath,
      privateKey: keyPath,
      httpPort: asked,
      tlsPort: 5001,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
    }
    const configPath = join(folder, 'pebble.json')
    await writeFile(configPath, JSON.stringify({ pebble: config }))
    const names = ['-dns01', `127.0.0.1:${dns}`, '-defaultIPv4', '127.0.0.1', '-defaultIPv6', '']
    const none = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-management', `127.0.0.1:${management}`]
    await run('pebble-challtestsrv', [...names, ...none])
    await run('pebble', ['-config', configPath, '-dnsserver', `127.0.0.1:${dns}`, '-strict'], {
      PEBBLE_VA_NOSLEEP: '1',
    })
    directoryUrl = `https://127.0.0.1:${port}/dir`
    await until(async () => {
      assert.ok(
        programs.every(({ exitCode }) => exitCode === null),
        said,
      )
      return await fetch(directoryUrl).then(
        ({ ok }) => ok,
        () => false,
      )
    })
  })
  after(async () => {
    for (const child of programs.filter(({ exitCode }) => exitCode === null)) {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    }
    programs = []
    await rm(folder, { recursive: true })
  })
  beforeEach(async () => {
    test = await openTestNode()
  })
  afterEach(async () => {
    await gateway?.stop()
    gateway = undefined
    await test.close()
  })

  async function start(init: Partial<GatewayInit> = {}, clock: Clock = systemClock): Promise<void> {
    const acme = { domains: DOMAINS, directoryUrl, email: 'admin@cortex.example' }
    const made = createGateway(
      { node: test.node, logger: silentLogger, clock },
      { folder, port: 0, redirectPort: asked, allowedHosts: DOMAINS, acme, ...init },
    )
    await made.start()
    gateway = made
  }

  async function served(): Promise<{ fingerprint256: string; subjectaltname?: string; issuer: { CN: string } }> {
    const port = Number(new URL(gateway?.url() ?? '').port)
    const socket = connect({ port, host: '127.0.0.1', servername: 'cortex.example', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const found = socket.getPeerCertificate()
    socket.destroy()
    return found as never
  }

  it('is fetched before anybody is served, kept, and renewed when a third of its time is left', async () => {
    await start()
    const first = await served()
    assert.match(first.issuer.CN, /Pebble/)
    for (const name of DOMAINS) assert.ok(first.subjectaltname?.includes(`DNS:${name}`), first.subjectaltname)
    assert.match(gateway?.url() ?? '', /^https:\/\/cortex\.example:\d+$/)
    for (const name of ['account.key', 'key.pem', 'cert.pem']) {
      assert.equal((await stat(join(folder, 'acme', name))).mode & 0o077, 0, name)
    }
    // What is no question of an authority is led to HTTPS.
    const plain = request({ port: asked, host: '127.0.0.1', path: '/.well-known/acme-challenge/none', agent: false })
    plain.setHeader('host', 'cortex.example')
    const [answer] = await once(plain.end(), 'response')
    assert.equal(answer.statusCode, 308)
    answer.resume()
    await gateway?.stop()

    await start()
    assert.equal((await served()).fingerprint256, first.fingerprint256)
    await gateway?.stop()

    const lateDays = 4 * 365 // Of the five years that this authority gives.
    await start({}, { ...systemClock, nowMs: () => Date.now() + lateDays * DAY_MS })
    await until(async () => (await served()).fingerprint256 !== first.fingerprint256)
  })

  it('that is not given is told with what to look at, and nothing listens', async () => {
    await rm(join(folder, 'acme'), { recursive: true, force: true })
    const elsewhere = await freePort()
    await assert.rejects(
      start({ redirectPort: elsewhere }),
      /gave no certificate for cortex\.example, www\.cortex\.example: .* It asks http:\/\/cortex\.example\/.* port 80, which has to lead here/s,
    )
    const nobody = { domains: DOMAINS, directoryUrl: `https://127.0.0.1:${elsewhere}/dir` }
    await assert.rejects(start({ acme: nobody }), /gave no certificate for .*ECONNREFUSED/s)
  })
})
