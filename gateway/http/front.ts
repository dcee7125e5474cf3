import type { IncomingMessage, Server } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import { isIPv6 } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { takeTurn } from '../../node/turns.ts'
import { DEFAULT_HOST, DEFAULT_PORT } from '../contract/address.ts'
import { type AcmeCertificate, type AcmeInit, keepAcmeCertificate } from './acme.ts'
import { type AlpnAnswers, createAlpnAnswers } from './acme-alpn.ts'
import { dnsProof } from './acme-dns-hook.ts'
import { httpProof } from './acme-proof.ts'
import { BoundedRequest } from './asked-ahead.ts'
import { type Certificate, type CertificateFiles, readCertificate, watchCertificate } from './certificate.ts'
import { type ConnectionLimits, createConnections } from './connections.ts'
import { ExactResponse } from './exact-response.ts'
import { PROTOCOLS } from './handshakes.ts'
import { HEAD_MS, KEEP_ALIVE_MS } from './limits.ts'
import { createListener } from './listener.ts'
import { createProxies, type Proxies } from './proxies.ts'
import { startRedirect } from './redirect.ts'
import { serveUpgrades, upgradeOptions } from './upgrades.ts'

/** Where a gateway listens, and whom it believes. */
export interface FrontInit {
  /** Address to listen on. @default "127.0.0.1" */
  host?: string | undefined
  /** 0 is any free one. @default 13000 */
  port?: number | undefined
  /** How many connections are held, in all and of each address. */
  connections?: ConnectionLimits | undefined
  /** Serves HTTPS with this certificate, and with what takes its place in these files. @default HTTP */
  tls?: CertificateFiles | undefined
  /** Instead of `tls`: fetches a certificate from an authority, keeps it below this folder, and renews it. */
  acme?: (AcmeInit & { folder: string }) | undefined
  /** Beside HTTPS: plain HTTP here is led to it, and an authority is answered. @default none */
  redirectPort?: number | undefined
  /** Proxies whose word on clients is taken; see {@link createProxies}. @default none */
  trustedProxies?: readonly string[] | undefined
  /** Names besides addresses and `localhost`; the first is that of its URL where it speaks TLS. */
  allowedHosts: readonly string[]
}

/** What answers behind a front. */
export interface FrontComponents {
  app: { fetch(request: Request, env: object): Response | Promise<Response> }
  /** Whether a host is that of a job's port. */
  isPort: (host: string) => boolean
  logger: Logger
  registry: Registry
  clock: Clock
}

/** An open front. */
export interface Front {
  /** `http://HOST:PORT`, or `https:`. */
  url: string
  /** Lets answers under way end; then every connection is gone. */
  close(): Promise<void>
}

/** Where WebSockets may be opened, besides the origins of ports. */
const SOCKET_PATH =
  /^(?:\/api(?:\/v1)?)?\/ws$|^\/api(?:\/v1)?\/plugin-core\/(?:streams$|jobs\/[^/]+\/(?:exec\/socket$|sftp$|tunnel\/|proxy\/))/

/**
 * A body has no deadline of its own here: what reads it has one, and what is passed on to a container may take as long as
 * bytes flow.
 */
const TIMES = {
  headersTimeout: HEAD_MS,
  requestTimeout: 0,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: HEAD_MS / 3,
}

const REQUESTS = { IncomingMessage: BoundedRequest, ServerResponse: ExactResponse }

/**
 * Opens the door of a gateway: its connections, TLS, and who is taken to ask.
 * @throws {ListenError} @throws {CertificateError} @throws {AcmeError}
 */
export async function openFront(components: FrontComponents, init: FrontInit): Promise<Front> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, connections = {}, acme, redirectPort, allowedHosts } = init
  const { app, isPort, logger } = components
  await using stack = new AsyncDisposableStack()
  let portNow = port
  const challenges = new Map<string, string>()
  if (redirectPort !== undefined) {
    const shared = { host, allowedHosts, connections, challenges }
    const plain = await startRedirect({ ...shared, port: redirectPort, to: () => portNow })
    stack.defer(plain.close)
  }
  const alpn = acme?.challenge === 'tls-alpn-01' ? createAlpnAnswers() : null
  const kept = acme && (await openAcme(components, { acme, challenges, alpn, host, port, connections }))
  if (kept !== undefined) stack.defer(kept.stop)
  const tls = kept?.files ?? init.tls
  const certificate = tls === undefined ? null : await readCertificate(tls)
  const proxies = createProxies(init.trustedProxies ?? [])
  const inTurn = { fetch: asClient(proxies, app) }
  const takesSockets = (request: { path: string; host: string }) =>
    isPort(request.host) || SOCKET_PATH.test(request.path)
  const server = createAdaptorServer({
    fetch: inTurn.fetch as (request: Request, env: object) => Promise<Response>,
    hostname: host,
    ...(certificate === null ? {} : { createServer: createSecureServer }),
    serverOptions: {
      ...TIMES,
      ...upgradeOptions(takesSockets),
      ...REQUESTS,
      ...secureOptions(certificate),
      ...(alpn === null ? { ALPNProtocols: PROTOCOLS } : { ALPNCallback: alpn.ALPNCallback }),
    },
  }) as Server
  serveUpgrades(server, inTurn, takesSockets)
  const listener = createListener(server, createConnections(server, { isShared: proxies.has, ...connections }))
  await listener.listen(host, port)
  stack.defer(listener.close)
  portNow = portOf(server)
  kept?.follow()
  if (tls !== undefined && certificate !== null) {
    stack.defer(keepCertificate(server as SecureServer, tls, certificate, components))
  }
  const url = urlOf(portNow, certificate === null ? host : (allowedHosts[0] ?? host), certificate !== null)
  logger.info({ url }, 'gateway listens')
  const open = stack.move()
  return { url, close: async () => await open.disposeAsync() }
}

interface AcmeWays {
  acme: NonNullable<FrontInit['acme']>
  challenges: Map<string, string>
  alpn: AlpnAnswers | null
  host: string
  port: number
  connections: ConnectionLimits
}

/** A certificate is there before anybody is served; one that is asked for by TLS, it is asked for where HTTPS will be. */
async function openAcme(
  { clock, logger }: Pick<FrontComponents, 'clock' | 'logger'>,
  { acme, challenges, alpn, host, port, connections }: AcmeWays,
): Promise<AcmeCertificate> {
  await using early = new AsyncDisposableStack()
  if (alpn !== null) early.defer((await alpn.listenEarly(host, port, connections)).close)
  const { challenge } = acme
  const proof =
    alpn?.proof ?? (typeof challenge === 'object' ? dnsProof(challenge.dnsHook, logger) : httpProof(challenges))
  return await keepAcmeCertificate({ clock, logger, proof }, acme)
}

/** However many requests arrive at the same moment, others get their turn between them. */
function asClient(proxies: Proxies, app: FrontComponents['app']) {
  return async (request: Request, env: { incoming?: IncomingMessage }): Promise<Response> => {
    await takeTurn()
    if (env.incoming === undefined) return await app.fetch(request, env)
    const { address, protocol } = proxies.asked(env.incoming)
    if (protocol !== null) Object.defineProperty(request, 'url', { value: spokenBy(protocol, request.url) })
    return await app.fetch(request, { ...env, clientAddress: address })
  }
}

/** Serves what takes the certificate's place, and says when that expires. @returns ends it */
function keepCertificate(
  server: SecureServer,
  files: CertificateFiles,
  first: Certificate,
  { logger, registry }: Pick<FrontComponents, 'logger' | 'registry'>,
): () => void {
  const expires = new Gauge({
    name: 'cortex_tls_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that is served expires, in seconds since 1970',
    registers: [registry],
  })
  expires.set(Math.floor(first.expiresAtMs / 1_000))
  return watchCertificate(files, logger, (certificate) => {
    server.setSecureContext(secureOptions(certificate))
    expires.set(Math.floor(certificate.expiresAtMs / 1_000))
    logger.info({ expires: new Date(certificate.expiresAtMs) }, 'a new certificate is served')
  })
}

/** A client has as long for its handshake as for the head of a request. */
function secureOptions(certificate: Certificate | null): object {
  if (certificate === null) return {}
  return { cert: certificate.cert, key: certificate.key, handshakeTimeout: HEAD_MS }
}

/** A request's URL where a proxy says what its client speaks. */
function spokenBy(protocol: 'http' | 'https', text: string): string {
  return text.replace(/^https?:/, `${protocol}:`)
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function urlOf(port: number, host: string, isSecure: boolean): string {
  const name = host === '127.0.0.1' || host === '::1' ? 'localhost' : isIPv6(host) ? `[${host}]` : host
  return isSecure ? `https://${name}${port === 443 ? '' : `:${port}`}` : `http://${name}:${port}`
}
