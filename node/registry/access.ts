/** How a peer reaches registries for strangers. See docs/decisions/0043-the-agent-pulls.md. */

import type { IncomingMessage } from 'node:http'
import { registryHost } from '../../protocol/image-registry.ts'
import { createOutside, OutsideError, type OutsideInit, type OutsideRequest } from '../network/outside.ts'
import { type PullFailure, RegistryFailure } from './failure.ts'

/** Which registries may be reached though they are inside, and how. */
export interface RegistryAccessInit extends Omit<OutsideInit, 'isAllowed'> {
  /**
   * Registries that may be inside the network: `HOST[:PORT]` as image references write them, with `http://` before it for
   * one without TLS. Read at each request. @default []
   */
  allow?: readonly string[]
  /** The owner's mirrors, which may be inside, too: with a path where they have one. @default [] */
  mirrors?: readonly string[]
}

/** A request to a registry; none has a body. */
export type RegistryRequest = Omit<OutsideRequest, 'plain'>

/** The one way to what strangers name. */
export interface RegistryAccess {
  /** Where a registry's API is, e.g. `https://ghcr.io/v2/`. */
  apiOf(host: string): URL
  /**
   * One request, whose answer is not read yet. Redirects are answered as they are.
   * @throws {RegistryFailure} `registry-not-allowed`, `registry-unreachable`, `registry-too-slow`
   */
  send(url: URL, request: RegistryRequest): Promise<IncomingMessage>
}

/** Docker Hub's API is not at its name. */
const HUB_API = 'registry-1.docker.io'

const REASONS: Readonly<Record<OutsideError['code'], PullFailure>> = {
  'not-open': 'registry-not-allowed',
  'no-tls': 'registry-not-allowed',
  unreachable: 'registry-unreachable',
  'too-slow': 'registry-too-slow',
}

/** Connects to nothing by itself. */
export function createRegistryAccess(init: RegistryAccessInit = {}): RegistryAccess {
  const { allow = [], mirrors = [], ...rest } = init

  /** As the owner wrote it: with its port, unless that is the usual one. */
  const isAllowed = ({ host }: URL): boolean => [...allow, ...mirrors].some((entry) => registryHost(entry) === host)
  const isPlain = (host: string): boolean =>
    isLoopback(host) || allow.some((entry) => entry.startsWith('http://') && registryHost(entry) === host)
  const outside = createOutside({ ...rest, isAllowed })

  return {
    apiOf(host) {
      const at = host === 'docker.io' ? HUB_API : host
      return new URL(`${isPlain(at) ? 'http' : 'https'}://${at}/v2/`)
    },
    async send(url, request) {
      try {
        return await outside.send(url, { ...request, plain: isAllowed(url) })
      } catch (error) {
        if (!(error instanceof OutsideError)) throw error
        const remedy = error.code === 'not-open' ? ': allow it with --allow-registry' : ''
        throw new RegistryFailure(REASONS[error.code], `${error.message}${remedy}`, { cause: error })
      }
    },
  }
}

/** Engines speak to a registry on loopback without TLS; people are used to it. */
function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host)
}
