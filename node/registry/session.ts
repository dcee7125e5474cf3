/** One conversation with a registry about one repository: tokens, redirects, sizes. Strict, because a stranger chose it. */

import type { IncomingMessage } from 'node:http'
import type { RegistryAccess } from './access.ts'
import { failureOf, readAll } from './answers.ts'
import { createAsking } from './asking.ts'
import { RegistryFailure } from './failure.ts'
import { digestOf, MANIFEST_TYPES } from './manifest.ts'
import type { RegistryCredentials, Repository } from './repository.ts'

/**
 * What is asked of one repository. Whatever goes wrong rejects with {@link RegistryFailure}: where the signal is aborted
 * with `registry-too-slow`, for whoever waited no longer to tell why.
 */
export interface RegistrySession {
  /** The digest that a tag means, or null where the registry does not say without sending all of it. */
  look(reference: string): Promise<string | null>
  /** A manifest or an index, with the digest that it has. */
  manifest(reference: string): Promise<{ bytes: Buffer; digest: string }>
  /** A small blob, checked against its digest. */
  blob(digest: string, maxBytes: number): Promise<Buffer>
  /** A blob as it comes in, unchecked, from `offset` on. */
  stream(digest: string, offset: number): Promise<IncomingMessage>
}

/** A manifest lists some 127 layers at most, of 200 bytes each; an index some dozen platforms. */
const MAX_MANIFEST_BYTES = 512 * 1024

/** Asks nothing by itself, and needs no closing. @param signal ends each of its requests, in its middle, too */
export function openRegistrySession(
  access: RegistryAccess,
  repository: Repository,
  credentials: RegistryCredentials | undefined,
  signal: AbortSignal,
): RegistrySession {
  const { host } = repository
  const { api, ask } = createAsking(access, repository, credentials, signal)

  /** Registries say "manifest unknown" of a wrong name, too: whether there are any tags tells. */
  async function clearer(failure: RegistryFailure): Promise<RegistryFailure> {
    if (failure.reason !== 'not-found') return failure
    const tags = await ask('tags/list?n=1')
    const why = tags.statusCode === 200 ? null : await failureOf(tags, api)
    tags.destroy()
    if (why === null) return new RegistryFailure('tag-not-found', failure.message)
    return why.reason === 'repository-not-found' ? why : failure
  }

  async function blobAnswer(digest: string, offset: number): Promise<IncomingMessage> {
    const range: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` }
    const answer = await ask(`blobs/${digest}`, 'GET', { ...range, 'accept-encoding': 'identity' })
    if (answer.statusCode === (offset === 0 ? 200 : 206)) return answer
    const why = await failureOf(answer, api)
    // The manifest was given, so a layer that is missing is the registry's lack.
    throw /not-found/.test(why.reason) ? new RegistryFailure('invalid-image', `${host} has not all of the image`) : why
  }

  /** However it shows in the middle of an answer that time is up, that is what went wrong. */
  async function inTime<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } catch (error) {
      if (!signal.aborted) throw error
      throw new RegistryFailure('registry-too-slow', `${host} did not answer in time`, { cause: error })
    }
  }

  const session: RegistrySession = {
    async look(reference) {
      const answer = await ask(`manifests/${reference}`, 'HEAD', { accept: MANIFEST_TYPES.join(', ') })
      answer.destroy()
      const { 'docker-content-digest': digest } = answer.headers
      if (answer.statusCode !== 200 || typeof digest !== 'string') return null
      return /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : null
    },
    async manifest(reference) {
      const answer = await ask(`manifests/${reference}`, 'GET', { accept: MANIFEST_TYPES.join(', ') })
      if (answer.statusCode !== 200) throw await clearer(await failureOf(answer, api))
      const bytes = await readAll(answer, MAX_MANIFEST_BYTES, api)
      const digest = digestOf(bytes)
      if (reference.startsWith('sha256:') && reference !== digest) {
        throw new RegistryFailure('invalid-image', `${host} sent another manifest than ${reference}`)
      }
      return { bytes, digest }
    },
    async blob(digest, maxBytes) {
      const bytes = await readAll(await blobAnswer(digest, 0), maxBytes, api)
      if (digestOf(bytes) === digest) return bytes
      throw new RegistryFailure('invalid-image', `${host} sent something else than ${digest}`)
    },
    stream: blobAnswer,
  }
  return {
    look: async (reference) => await inTime(async () => await session.look(reference)),
    manifest: async (reference) => await inTime(async () => await session.manifest(reference)),
    blob: async (digest, maxBytes) => await inTime(async () => await session.blob(digest, maxBytes)),
    stream: async (digest, offset) => await inTime(async () => await session.stream(digest, offset)),
  }
}
