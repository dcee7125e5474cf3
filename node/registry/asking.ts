import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { registryHost } from '../../protocol/image-registry.ts'
import type { RegistryAccess } from './access.ts'
import { failureOf, nonsense, readAll } from './answers.ts'
import { RegistryFailure } from './failure.ts'
import type { RegistryCredentials, Repository } from './repository.ts'

/** Registries send theirs on to stores once, rarely twice. */
const MAX_REDIRECTS = 5
const MAX_TOKEN_BYTES = 64 * 1024

const tokenSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() })

/** Asks about one repository. */
export interface Asking {
  /** Where the registry answers. */
  readonly api: URL
  /** @param place under the repository, e.g. `tags/list` */
  ask(place: string, method?: 'GET' | 'HEAD', headers?: Record<string, string>): Promise<IncomingMessage>
}

/** Shows the registry what it wants to see of who asks, and follows where it leads. */
export function createAsking(
  access: RegistryAccess,
  { host, path }: Repository,
  credentials: RegistryCredentials | undefined,
  signal: AbortSignal,
): Asking {
  const api = access.apiOf(host)
  const basic =
    credentials !== undefined && registryHost(credentials.serverAddress) === host
      ? `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
      : null
  let authorization: string | null = null

  /** Follows redirects; what proves who asks stays at the registry itself, and what it wants to see is its own to say. */
  async function follow(url: URL, method: 'GET' | 'HEAD', headers: Record<string, string>): Promise<Reply> {
    let at = url
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const proof: Record<string, string> = authorization !== null && at.origin === api.origin ? { authorization } : {}
      const answer = await access.send(at, { method, headers: { ...headers, ...proof }, signal })
      const { statusCode = 0, headers: said } = answer
      if (![301, 302, 303, 307, 308].includes(statusCode) || said.location === undefined) {
        return { answer, statusCode, challenge: at.origin === api.origin ? said['www-authenticate'] : undefined }
      }
      answer.destroy()
      if (!URL.canParse(said.location, at.href)) throw nonsense(at, 'leads to no address')
      at = new URL(said.location, at)
    }
    throw nonsense(url, 'leads on without end')
  }

  /** What the registry wants to see, by its challenge. */
  async function prove(challenge: string): Promise<string> {
    if (/^basic\b/i.test(challenge)) {
      if (basic === null) throw new RegistryFailure('unauthorized', `${host} wants a password`)
      return basic
    }
    const realm = parameterOf(challenge, 'realm')
    if (!/^bearer\b/i.test(challenge) || realm === null || !URL.canParse(realm)) {
      throw new RegistryFailure('unauthorized', `${host} does not say how it is to be asked`)
    }
    const url = new URL(realm)
    const service = parameterOf(challenge, 'service')
    if (service !== null) url.searchParams.set('service', service)
    // A challenge for all of the registry names no repository.
    url.searchParams.set('scope', parameterOf(challenge, 'scope') ?? `repository:${path}:pull`)
    // A realm that leads elsewhere is given nothing more: the registry itself named this one.
    const answer = await access.send(url, {
      method: 'GET',
      headers: { accept: 'application/json', ...(basic === null ? {} : { authorization: basic }) },
      signal,
    })
    if (answer.statusCode !== 200) throw await failureOf(answer, url)
    const token = tokenSchema.safeParse(parsed(await readAll(answer, MAX_TOKEN_BYTES, url)))
    const text = token.data?.token ?? token.data?.access_token ?? ''
    // It goes into a header of the next request.
    if (!/^[\x21-\x7e]{1,16384}$/.test(text)) throw nonsense(url, 'gives no token')
    return `Bearer ${text}`
  }

  /** What the registry wants to see of whoever asks for anything; a password where it does not say. */
  async function generalChallenge(): Promise<string> {
    const answer = await access.send(api, { method: 'GET', headers: {}, signal })
    answer.destroy()
    return answer.headers['www-authenticate'] ?? 'Basic'
  }

  return {
    api,
    async ask(place, method = 'GET', headers = {}) {
      const url = new URL(`${path}/${place}`, api)
      let { answer, statusCode, challenge } = await follow(url, method, headers)
      // Some tell who shows nothing that there is no such image, or no more for now, and ask for nothing.
      const isUnshown = basic !== null && authorization === null && statusCode >= 400
      if (isUnshown && !(statusCode === 401 && challenge !== undefined)) {
        answer.destroy()
        authorization = await prove(challenge ?? (await generalChallenge()))
        ;({ answer, statusCode, challenge } = await follow(url, method, headers))
      }
      if (statusCode !== 401 || challenge === undefined) return answer
      answer.destroy()
      authorization = await prove(challenge)
      return (await follow(url, method, headers)).answer
    },
  }
}

/** Where redirects led, with the registry's own challenge. */
interface Reply {
  answer: IncomingMessage
  statusCode: number
  challenge: string | undefined
}

/** A parameter of a challenge, e.g. of `Bearer realm="https://auth.example/token",service="r"`. */
function parameterOf(challenge: string, name: string): string | null {
  return new RegExp(`(?:^|[\\s,])${name}="([^"]{1,2048})"`, 'i').exec(challenge.slice(0, 8_192))?.[1] ?? null
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return null
  }
}
