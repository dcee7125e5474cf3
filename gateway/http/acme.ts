import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { whenAborted } from '../../node/abort.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { CertificateFiles } from './certificate.ts'

/** How certificates are fetched from an authority that speaks ACME (RFC 8555). */
export interface AcmeInit {
  /** Names that lead here; the authority asks for each on port 80. */
  domains: readonly string[]
  /** Where the authority may write to. @default nowhere */
  email?: string | undefined
  /** @default DEFAULT_ACME_DIRECTORY */
  directoryUrl?: string | undefined
}

/** Let's Encrypt, whose terms whoever asks for a certificate agrees to. */
export const DEFAULT_ACME_DIRECTORY = 'https://acme-v02.api.letsencrypt.org/directory'

/** A certificate that the authority did not give; the message says what to look at. */
class AcmeError extends Error {
  override readonly name = 'AcmeError'
  readonly code = 'NO_CERTIFICATE'
}

/** What {@link keepAcmeCertificate} works with. */
export interface AcmeComponents {
  clock: Clock
  logger: Logger
  /** Answers to what the authority asks, by token; served under `/.well-known/acme-challenge/`. */
  challenges: Map<string, string>
}

/** How often it is looked whether the certificate is to be renewed, in ms. */
const LOOK_MS = 3_600_000
/** Looks between two tries to renew that failed: authorities count them. */
const LOOKS_BETWEEN = 6
/** A certificate is renewed when this share of its time is left. */
const LEFT = 1 / 3
const ORDER_MS = 120_000

/**
 * Sees to it that there is a certificate in files, and renews it there for as long as it is followed.
 * @param folder where the account's key, the certificate and its key are kept; readable by its owner alone
 * @returns the files, and what ends it
 * @throws {AcmeError} where there is none, and none was given
 */
export async function keepAcmeCertificate(
  components: AcmeComponents,
  init: AcmeInit & { folder: string },
): Promise<{ files: CertificateFiles; stop: () => void }> {
  const { clock, logger } = components
  const folder = join(init.folder, 'acme')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const over = new AbortController()
  const first = await timeOf(files.cert, init.domains)
  if (first === null || first.expiresAtMs <= clock.nowMs()) await order(components, init, folder, files)
  else if (isDue(first, clock)) void renew()

  async function renew(): Promise<boolean> {
    try {
      await order(components, init, folder, files)
      return true
    } catch (error) {
      logger.warn({ problem: (error as Error).message }, 'the certificate could not be renewed; it is tried again')
      return false
    }
  }
  async function look(): Promise<void> {
    for (let wait = 0; !over.signal.aborted; wait = Math.max(0, wait - 1)) {
      await clock.sleep(LOOK_MS, over.signal)
      const now = await timeOf(files.cert, init.domains)
      if (wait === 0 && (now === null || isDue(now, clock)) && !(await renew())) wait = LOOKS_BETWEEN
    }
  }
  look().catch(() => undefined) // ended
  return { files, stop: () => over.abort() }
}

async function order(
  { challenges }: AcmeComponents,
  { domains, email, directoryUrl = DEFAULT_ACME_DIRECTORY }: AcmeInit,
  folder: string,
  files: CertificateFiles,
): Promise<void> {
  // A library with much below it, which nobody else needs.
  const { Client, crypto } = await import('acme-client')
  const accountKey = await accountKeyIn(folder, async () => await crypto.createPrivateEcdsaKey())
  const client = new Client({ directoryUrl, accountKey })
  const [key, csr] = await crypto.createCsr({ altNames: [...domains] }, await crypto.createPrivateEcdsaKey())
  const late = AbortSignal.timeout(ORDER_MS)
  const given = async (): Promise<string> => {
    // The library's own words for one that is not there are about itself.
    const { status } = await fetch(directoryUrl, { signal: late })
    if (status !== 200) throw new Error(`it answers ${status}`)
    return await client.auto({
      csr,
      ...(email === undefined ? {} : { email }),
      termsOfServiceAgreed: true,
      challengePriority: ['http-01'],
      skipChallengeVerification: true, // the authority asks; from here the names may lead elsewhere
      challengeCreateFn: async (_, { token }, answer) => void challenges.set(token, answer),
      challengeRemoveFn: async (_, { token }) => void challenges.delete(token),
    })
  }
  try {
    const cert = await Promise.race([given(), notInTime(late)])
    await put(files.key, key)
    await put(files.cert, Buffer.from(cert))
  } catch (cause) {
    const names = domains.join(', ')
    const { message, cause: below } = cause as Error
    const why = below instanceof Error ? below.message : message
    throw new AcmeError(
      `${directoryUrl} gave no certificate for ${names}: ${why}. It asks http://${domains[0]}/.well-known/acme-challenge/ on port 80, which has to lead here`,
      { cause },
    )
  }
}

async function notInTime(late: AbortSignal): Promise<never> {
  await whenAborted(late)
  throw new Error(`no answer within ${ORDER_MS / 1_000} s`)
}

async function accountKeyIn(folder: string, make: () => Promise<Buffer>): Promise<Buffer> {
  const path = join(folder, 'account.key')
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const key = await make()
  await put(path, key)
  return key
}

/** Whole or not at all, and for nobody else's eyes. */
async function put(path: string, content: Buffer): Promise<void> {
  const beside = `${path}.${randomBytes(4).toString('hex')}`
  await writeFile(beside, content, { mode: 0o600, flush: true })
  await rename(beside, path)
}

interface Times {
  beginsAtMs: number
  expiresAtMs: number
}

/** When a certificate is good; null where there is none for these names. */
async function timeOf(path: string, domains: readonly string[]): Promise<Times | null> {
  try {
    const certificate = new X509Certificate(await readFile(path))
    if (!domains.every((name) => certificate.checkHost(name) !== undefined)) return null
    const { validFromDate, validToDate } = certificate
    return { beginsAtMs: validFromDate.getTime(), expiresAtMs: validToDate.getTime() }
  } catch {
    return null
  }
}

function isDue({ beginsAtMs, expiresAtMs }: Times, clock: Clock): boolean {
  return expiresAtMs - clock.nowMs() < (expiresAtMs - beginsAtMs) * LEFT
}
