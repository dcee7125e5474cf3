/**
 * Whether a wrong tag or a wrong name is behind "manifest unknown": engine and registry say that of both. The registry is
 * asked for the repository's tags, as the engine has just asked it for the image; only whether it has any is looked at.
 */

import type { PullRequest } from './index.ts'
import { type ImageReference, registryHostOf } from './reference.ts'

/** `unknown` where the registry cannot be asked, or does not say. */
export type RepositoryAnswer = 'there' | 'missing' | 'unknown'

/** How long the registry may take, in ms: the job has failed already, and waits only for the better word. */
const TIMEOUT_MS = 5_000

/** What of an answer is read at most, in bytes; an error takes some hundred. */
const MAX_ANSWER_BYTES = 16 * 1024

/** Rejects only with the signal's reason. */
export async function askForRepository(
  reference: ImageReference,
  { credentials }: Pick<PullRequest, 'credentials'>,
  signal: AbortSignal,
): Promise<RepositoryAnswer> {
  const { host, path } = registryHostOf(reference)
  // Docker Hub says "manifest unknown" of repositories alone that it has, and is private about the others.
  if (host === 'docker.io') return 'there'
  const headers: Record<string, string> = {}
  if (credentials !== undefined && hostOf(credentials.serverAddress) === host) {
    headers.authorization = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
  }
  try {
    const response = await fetch(`${schemeOf(host)}://${host}/v2/${path}/tags/list?n=1`, {
      headers,
      // A password is for this host alone.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    if (response.status === 404) return (await beginning(response)).includes('NAME_UNKNOWN') ? 'missing' : 'unknown'
    await response.body?.cancel()
    return response.status === 200 ? 'there' : 'unknown'
  } catch {
    signal.throwIfAborted()
    return 'unknown'
  }
}

async function beginning({ body }: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body ?? []) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes >= MAX_ANSWER_BYTES) break
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** Engines speak to a registry on loopback without TLS. */
function schemeOf(host: string): 'http' | 'https' {
  return /^(localhost|127(\.\d{1,3}){3})(:\d+)?$/.test(host) ? 'http' : 'https'
}

function hostOf(serverAddress: string): string {
  return serverAddress.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
}
