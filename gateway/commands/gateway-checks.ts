/** What `cortex doctor gateway` looks at: whether it answers, or could, and its certificate. */

import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { type Check, type Finding, fine, wrong } from '../../node/doctor/check.ts'
import { portState } from '../../node/doctor/ports.ts'
import { ownVersion } from '../../node/version.ts'
import type { GatewayOptions } from './gateway-options.ts'

/** What the checks are told of a gateway. */
export interface GatewayChecksInit {
  options: Pick<GatewayOptions, 'host' | 'port' | 'tlsCert' | 'tlsKey' | 'acme' | 'acmeChallenge' | 'acmeDnsHook'>
  /** Its own folder. */
  folder: string
  /** The process that it runs as; null where it does not. */
  pid: number | null
}

/** A certificate that ends sooner should have been renewed, in ms. */
const SOON_MS = 14 * 24 * 3_600_000

/** The API's port, and the certificate where it serves one. */
export function gatewayChecks(init: GatewayChecksInit): Check[] {
  const { tlsCert, acme } = init.options
  const certificate: Check = { name: 'certificate', run: async () => await certificateFinding(init) }
  const api: Check = { name: 'api', run: async (signal) => await apiFinding(init, signal) }
  return [api, ...(tlsCert === undefined && acme === undefined ? [] : [certificate])]
}

async function apiFinding({ options, pid }: GatewayChecksInit, signal: AbortSignal): Promise<Finding> {
  const name = 'api'
  const { host, port } = options
  // Any free one: only the gateway itself knows which.
  if (port === 0) return fine(name, 'it takes any free port (--port 0)')
  const state = await portState(host, port, signal)
  if (pid === null && state === 'answers') {
    return wrong(name, 'fail', `another program listens on ${host} port ${port}: end it, or choose another by --port`)
  }
  if (pid === null) {
    const { assertListens } = await import('../http/listener.ts')
    await assertListens(host, port)
    return fine(name, `${host} port ${port} is free to be listened on`)
  }
  if (state !== 'answers') {
    const found = `process ${pid} runs, and nobody listens on ${host} port ${port}`
    return wrong(name, 'fail', `${found}: give the --host and --port that it was given`)
  }
  const version = await versionOf(options, signal)
  const own = await ownVersion()
  if (version === own) return fine(name, `it answers on ${host} port ${port}`)
  return wrong(name, 'warn', `version ${version} answers on ${host} port ${port}, and this is ${own}: start it anew`)
}

/** As its health says. */
async function versionOf(
  { host, port, tlsCert, acme }: GatewayChecksInit['options'],
  signal: AbortSignal,
): Promise<string> {
  const isSecure = tlsCert !== undefined || acme !== undefined
  const options = { host, port, path: '/api/v1/health', signal, headers: { host: `localhost:${port}` } }
  // Whose certificate it is, is looked at by itself; here it is asked by its address.
  const asked = isSecure ? requestHttps({ ...options, rejectUnauthorized: false }) : requestHttp(options)
  const [response] = (await once(asked.end(), 'response')) as [IncomingMessage]
  const { data } = (await json(response)) as { data?: { version?: unknown } }
  return typeof data?.version === 'string' ? data.version : 'unknown'
}

async function certificateFinding({ options, folder }: GatewayChecksInit): Promise<Finding> {
  const name = 'certificate'
  const { tlsCert, tlsKey, acme } = options
  if (tlsCert !== undefined && tlsKey !== undefined) {
    const { readCertificate } = await import('../http/certificate.ts')
    const { expiresAtMs } = await readCertificate({ cert: tlsCert, key: tlsKey })
    return expiryFinding(tlsCert, expiresAtMs, 'renew it: it is served within seconds')
  }
  if (tlsCert !== undefined) return wrong(name, 'fail', '--tls-cert has no key: give --tls-key beside it')
  const path = join(folder, 'acme', 'cert.pem')
  const pem = await readFile(path).catch(() => null) // none was fetched
  const names = (acme ?? []).join(', ')
  if (pem === null) return fine(name, `one for ${names} is fetched at the start`)
  const remedy = `${seeTo(options, names)}: its log says why it is not renewed`
  return expiryFinding(path, new X509Certificate(pem).validToDate.getTime(), remedy)
}

function seeTo({ acmeChallenge, acmeDnsHook }: GatewayChecksInit['options'], names: string): string {
  if (acmeDnsHook !== undefined) return `see that ${acmeDnsHook} sets the records of ${names}`
  return `see that port ${acmeChallenge === 'tls-alpn-01' ? 443 : 80} of ${names} leads here`
}

function expiryFinding(path: string, expiresAtMs: number, remedy: string): Finding {
  const leftMs = expiresAtMs - Date.now()
  const day = new Date(expiresAtMs).toISOString().slice(0, 10)
  const found = `${path} is good until ${day}`
  if (leftMs > SOON_MS) return fine('certificate', found)
  return {
    check: 'certificate',
    state: leftMs > 0 ? 'warn' : 'fail',
    found: leftMs > 0 ? found : `${path} expired on ${day}`,
    remedy,
  }
}
