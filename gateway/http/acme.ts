import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { abortedWithin, orAborted } from '../../node/abort.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { replacePrivateFile } from '../../node/private-file.ts'
import type { AcmeChallenge, Proof } from './acme-proof.ts'
import type { CertificateFiles } from './certificate.ts'

/** How certificates are fetched from an authority that speaks ACME (RFC 8555). */
export interface AcmeInit {
  /** Names that lead here; `*.NAME` by `dns-01` alone. */
  domains: readonly string[]
  /** How the authority is shown that they are ours. @default "http-01" */
  challenge?: AcmeChallenge | undefined
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

/** A certificate in files; see {@link keepAcmeCertificate}. */
export interface AcmeCertificate {
  files: CertificateFiles
  /** Renews it there from now on. To be called once the authority can ask. */
  follow(): void
  stop(): void
}

/** What {@link keepAcmeCertificate} works with. */
export interface AcmeComponents {
  clock: Clock
  logger: Logger
  proof: Proof
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
 * @throws {AcmeError} where there is none, and none was given
 */
export async function keepAcmeCertificate(
  components: AcmeComponents,
  init: AcmeInit & { folder: string },
): Promise<AcmeCertificate> {
  const { clock, logger } = components
  const folder = join(init.folder, 'acme')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const over = new AbortController()
  const first = await timeOf(files, init.domains)
  if (first === null || first.expiresAtMs <= clock.nowMs()) await order(components, init, folder, files, over.signal)

  async function renew(): Promise<boolean> {
    try {
      await order(components, init, folder, files, over.signal)
      return true
    } catch (error) {
      logger.warn({ problem: (error as Error).message }, 'the certificate could not be renewed; it is tried again')
      return false
    }
  }
  async function look(): Promise<void> {
    for (let wait = 0; !over.signal.aborted; wait = Math.max(0, wait - 1)) {
      const now = await timeOf(files, init.domains)
      if (wait === 0 && (now === null || isDue(now, clock)) && !(await renew())) wait = LOOKS_BETWEEN
      await clock.sleep(LOOK_MS, over.signal)
    }
  }
  return {
    files,
    follow: () => void look().catch(() => undefined), // ended
    stop: () => over.abort(new Error('The gateway ends')),
  }
}

async function order(
  { proof }: AcmeComponents,
  { domains, email, directoryUrl = DEFAULT_ACME_DIRECTORY }: AcmeInit,
  folder: string,
  files: CertificateFiles,
  over: AbortSignal,
): Promise<void> {
  // A library with much below it, which nobody else needs.
  const { Client, crypto } = await import('acme-client')
  const accountKey = await accountKeyIn(folder, async () => await crypto.createPrivateEcdsaKey())
  const client = new Client({ directoryUrl, accountKey })
  const [key, csr] = await crypto.createCsr({ altNames: [...domains] }, await crypto.createPrivateEcdsaKey())
  const limitMs = ORDER_MS + domains.length * proof.takesMs
  const late = abortedWithin(limitMs, over)
  const given = async (): Promise<string> => {
    // The library's own words for one that is not there are about itself.
    const { status } = await fetch(directoryUrl, { signal: late })
    if (status !== 200) throw new Error(`it answers ${status}`)
    return await client.auto({
      csr,
      ...(email === undefined ? {} : { email }),
      termsOfServiceAgreed: true,
      challengePriority: [proof.challenge],
      skipChallengeVerification: true, // the authority asks; from here the names may lead elsewhere
      async challengeCreateFn(authorization, { type, token }, answer) {
        // It takes another where the authority does not offer that one.
        if (type !== proof.challenge) throw new Error(`it does not take ${proof.challenge}`)
        await proof.give({ authorization, token, answer }, late)
      },
      async challengeRemoveFn(authorization, { type, token }, answer) {
        if (type === proof.challenge) await proof.takeBack({ authorization, token, answer }, over)
      },
    })
  }
  try {
    const cert = await orAborted(given(), late)
    await replacePrivateFile(files.key, key)
    await replacePrivateFile(files.cert, Buffer.from(cert))
  } catch (cause) {
    const { message, cause: below } = cause as Error
    const why = below instanceof Error ? below.message : message
    throw new AcmeError(
      `${directoryUrl} gave no certificate for ${domains.join(', ')}: ${why}. ${proof.where(domains)}`,
      { cause },
    )
  }
}

async function accountKeyIn(folder: string, make: () => Promise<Buffer>): Promise<Buffer> {
  const path = join(folder, 'account.key')
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const key = await make()
  await replacePrivateFile(path, key)
  return key
}

interface Times {
  beginsAtMs: number
  expiresAtMs: number
}

/** When a certificate is good; null where there is none for these names, or one of another key. */
async function timeOf({ cert, key }: CertificateFiles, domains: readonly string[]): Promise<Times | null> {
  try {
    const certificate = new X509Certificate(await readFile(cert))
    // A renewal that was cut off between the two files leaves the new key with the old certificate.
    if (!certificate.checkPrivateKey(createPrivateKey(await readFile(key)))) return null
    // A wildcard is for any name there.
    const isFor = (name: string) => certificate.checkHost(name.replace(/^\*\./, 'any.')) !== undefined
    if (!domains.every(isFor)) return null
    const { validFromDate, validToDate } = certificate
    return { beginsAtMs: validFromDate.getTime(), expiresAtMs: validToDate.getTime() }
  } catch {
    return null
  }
}

function isDue({ beginsAtMs, expiresAtMs }: Times, clock: Clock): boolean {
  return expiresAtMs - clock.nowMs() < (expiresAtMs - beginsAtMs) * LEFT
}
