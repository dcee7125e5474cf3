import type { IncomingMessage } from 'node:http'
import { RegistryFailure } from './failure.ts'

/** Of an error's text only its code is looked for. */
const MAX_ERROR_BYTES = 16 * 1024

/** What an answer that is none says. Takes the answer. */
export async function failureOf(answer: IncomingMessage, url: URL): Promise<RegistryFailure> {
  const { statusCode = 0 } = answer
  const note = `${url.host} answered ${statusCode}`
  if (statusCode === 429) return discarded(answer, new RegistryFailure('rate-limited', note))
  if (statusCode === 401 || statusCode === 403) return discarded(answer, new RegistryFailure('unauthorized', note))
  if (statusCode !== 404) return discarded(answer, new RegistryFailure('registry-unreachable', note))
  const text = (await beginning(answer, MAX_ERROR_BYTES)).bytes.toString('latin1')
  return new RegistryFailure(text.includes('NAME_UNKNOWN') ? 'repository-not-found' : 'not-found', note)
}

/** All of an answer, up to a size. The request's signal ends it in time. */
export async function readAll(answer: IncomingMessage, maxBytes: number, url: URL): Promise<Buffer> {
  const { bytes, broken } = await beginning(answer, maxBytes + 1)
  if (bytes.length > maxBytes) {
    throw new RegistryFailure('invalid-image', `${url.host} sends more than ${maxBytes} bytes`)
  }
  if (broken === undefined) return bytes
  throw new RegistryFailure('registry-unreachable', `${url.host} broke off`, { cause: broken })
}

/** An answer that a registry cannot mean. */
export function nonsense(url: URL, what: string): RegistryFailure {
  return new RegistryFailure('registry-unreachable', `${url.host} ${what}`)
}

/** What comes until there are so many bytes, and why no more came where it broke off. */
async function beginning(answer: IncomingMessage, most: number): Promise<{ bytes: Buffer; broken?: unknown }> {
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      pieces.push(piece)
      bytes += piece.length
      if (bytes >= most) break
    }
    return { bytes: Buffer.concat(pieces) }
  } catch (broken) {
    return { bytes: Buffer.concat(pieces), broken }
  } finally {
    answer.destroy()
  }
}

function discarded(answer: IncomingMessage, failure: RegistryFailure): RegistryFailure {
  answer.destroy()
  return failure
}
