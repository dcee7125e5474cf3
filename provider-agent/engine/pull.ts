import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { call, orAborted } from './call.ts'
import { pullError, statusOf, toPullError } from './errors.ts'
import { type AbortOptions, EngineError, type FetchedImage, type ImageInfo, type PullRequest } from './index.ts'
import { createPullProgress, type PullEvent, type PullProgress } from './pull-progress.ts'
import { type ImageReference, parseReference } from './reference.ts'
import { askForRepository } from './repository-question.ts'

type Pull = (request: PullRequest, options?: AbortOptions) => Promise<ImageInfo>

/** What the engine had before a pull. */
interface Before {
  imageIds: ReadonlySet<string>
  /** What the reference meant. */
  replaced: string | null
}

/** A pull under way, and who waits for it. */
interface SharedPull {
  /** Resolves with what the engine had before. */
  done: Promise<Before>
  listeners: Set<(progress: PullProgress) => void>
  controller: AbortController
  waiting: number
}

/**
 * Makes images present by policy. Requests for one image with the same credentials share one pull, which is given up
 * when the last of them is aborted.
 *
 * @param engineArchitecture Answers Docker's name of the engine's architecture.
 */
export function createPuller(docker: Docker, engineArchitecture: (options: AbortOptions) => Promise<string>): Pull {
  const pulls = new Map<string, SharedPull>()

  /** The image as it is on the engine now, or null. */
  async function find(reference: ImageReference, signal: AbortSignal | undefined) {
    return call(`looking for image ${reference.full}`, signal, async () => {
      try {
        return await orAborted(docker.getImage(reference.full).inspect(), signal)
      } catch (error) {
        if (statusOf(error) === 404) return null
        throw error
      }
    })
  }

  async function download(
    reference: ImageReference,
    request: PullRequest,
    signal: AbortSignal | undefined,
  ): Promise<Before> {
    const key = keyOf(reference, request)
    const shared = pulls.get(key) ?? begin(key, reference, request)
    const { onProgress } = request
    shared.waiting += 1
    if (onProgress) shared.listeners.add(onProgress)
    try {
      return await orAborted(shared.done, signal)
    } finally {
      if (onProgress) shared.listeners.delete(onProgress)
      shared.waiting -= 1
      if (shared.waiting === 0) {
        shared.controller.abort()
        if (pulls.get(key) === shared) pulls.delete(key)
      }
    }
  }

  function begin(key: string, reference: ImageReference, request: PullRequest): SharedPull {
    const controller = new AbortController()
    const listeners: SharedPull['listeners'] = new Set()
    const { signal } = controller
    const done = (async () => {
      const [replaced, imageIds] = await Promise.all([find(reference, signal), imagesOf(docker, signal)])
      try {
        await transfer(docker, reference, request, signal, (progress) => {
          for (const listener of listeners) listener(progress)
        })
      } catch (error) {
        throw await clearer(error, reference, request, signal)
      }
      return { imageIds, replaced: replaced?.Id ?? null }
    })()
    const shared: SharedPull = { done, listeners, controller, waiting: 0 }
    pulls.set(key, shared)
    // Whoever waits hears of a failure through `done`; here it only ends the sharing.
    const forget = () => {
      if (pulls.get(key) === shared) pulls.delete(key)
    }
    done.then(forget, forget)
    return shared
  }

  return async (request, { signal } = {}) => {
    signal?.throwIfAborted()
    const reference = parseReference(request.image)
    let image = request.policy === 'Always' ? null : await find(reference, signal)
    let fetched: FetchedImage | null = null
    if (image === null) {
      if (request.policy === 'Never') {
        throw pullError('never-present', request.image, 'is not on this machine, and the pull policy is Never')
      }
      const { imageIds, replaced } = await download(reference, request, signal)
      image = await find(reference, signal)
      const id = image?.Id ?? ''
      fetched = { isNew: !imageIds.has(id), names: [reference.full], replaced: replaced === id ? null : replaced }
    }
    if (image === null) throw pullError('unknown', request.image, 'was pulled but is not there')
    const wanted = await engineArchitecture(signal === undefined ? {} : { signal })
    if (!runsOn(image.Architecture, wanted)) {
      const text = `is for ${image.Architecture}, and this machine is ${wanted}`
      throw pullError('wrong-architecture', request.image, text)
    }
    return { imageId: image.Id, repoDigest: image.RepoDigests?.[0] ?? null, fetched }
  }
}

/** The ids of everything that the engine has, named or not. */
async function imagesOf(docker: Docker, signal: AbortSignal): Promise<ReadonlySet<string>> {
  return await call('listing images', signal, async () => {
    const images = await orAborted(docker.listImages({ all: true }), signal)
    return new Set(images.map(({ Id: id }) => id))
  })
}

/** One pull over the wire. */
async function transfer(
  docker: Docker,
  reference: ImageReference,
  request: PullRequest,
  signal: AbortSignal,
  onProgress: (progress: PullProgress) => void,
): Promise<void> {
  const { image, credentials } = request
  const authconfig = credentials && {
    username: credentials.username,
    password: credentials.password,
    serveraddress: credentials.serverAddress,
  }
  await call(
    `pulling ${image}`,
    signal,
    async (abort) => {
      const query = { fromImage: reference.repository, tag: reference.tagOrDigest }
      const output = await docker.createImage(authconfig, { ...query, ...abort })
      const progress = createPullProgress()
      for await (const event of readEvents(output as Readable)) {
        if (event.error !== undefined) throw new Error(event.error)
        const sums = progress(event)
        if (sums !== null) onProgress(sums)
      }
      signal.throwIfAborted()
    },
    (error) => toPullError(error, image, credentials !== undefined),
  )
}

/** The failure, with the wrong part of the reference told where the registry says which it is. */
async function clearer(
  error: unknown,
  reference: ImageReference,
  request: PullRequest,
  signal: AbortSignal,
): Promise<unknown> {
  if (!(error instanceof EngineError) || error.details.reason !== 'not-found') return error
  const answer = await askForRepository(reference, request, signal)
  if (answer === 'unknown') return error
  const { repository, tagOrDigest } = reference
  const cause = { cause: error.cause }
  return answer === 'there'
    ? pullError('tag-not-found', request.image, `the repository has no ${tagOrDigest}`, cause)
    : pullError('repository-not-found', request.image, `the registry has no ${repository}`, cause)
}

/** The messages of a pull, one JSON object a line. Rejects when the connection breaks before its end. */
async function* readEvents(output: Readable): AsyncGenerator<PullEvent> {
  let rest = ''
  for await (const text of output.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as PullEvent
  }
}

/** Requests with the same key may share a pull. Holds no credentials in clear. */
function keyOf(reference: ImageReference, { credentials }: PullRequest): string {
  const secret = JSON.stringify(credentials && [credentials.serverAddress, credentials.username, credentials.password])
  return `${reference.full} ${createHash('sha256')
    .update(secret ?? '')
    .digest('hex')}`
}

/** Whether an image for `architecture` runs on a machine of architecture `machine` without emulation. */
function runsOn(architecture: string, machine: string): boolean {
  const also: Record<string, string> = { amd64: '386', arm64: 'arm' }
  return architecture === '' || architecture === machine || also[machine] === architecture
}
