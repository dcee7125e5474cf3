import { createPrivateKey, X509Certificate } from 'node:crypto'
import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Logger } from '../../node/logger.ts'

/** Paths of a certificate and of its key, both PEM; what the files hold may change while they are served. */
export interface CertificateFiles {
  /** The certificate first, then those between it and the root. */
  cert: string
  /** Unencrypted. */
  key: string
}

/** A certificate as it is served. */
export interface Certificate {
  cert: Buffer
  key: Buffer
  /** Ms since 1970. */
  expiresAtMs: number
}

/** A certificate that cannot be served; the message names the flag and what to do. */
class CertificateError extends Error {
  override readonly name = 'CertificateError'
  readonly code = 'BAD_CERTIFICATE'
}

/** How often it is looked whether files have changed, in ms. */
const LOOK_MS = 5_000

/** @throws {CertificateError} */
export async function readCertificate({ cert: certPath, key: keyPath }: CertificateFiles): Promise<Certificate> {
  const cert = await read('--tls-cert', certPath)
  const key = await read('--tls-key', keyPath)
  const parsed = tried(`--tls-cert ${certPath} holds no certificate in PEM`, () => new X509Certificate(cert))
  const privateKey = tried(`--tls-key ${keyPath} holds no unencrypted private key in PEM`, () => createPrivateKey(key))
  if (!parsed.checkPrivateKey(privateKey)) {
    throw new CertificateError(`--tls-key ${keyPath} is not the key of the first certificate in ${certPath}`)
  }
  const expiresAtMs = parsed.validToDate.getTime()
  if (expiresAtMs <= Date.now()) {
    throw new CertificateError(`The certificate in ${certPath} expired on ${parsed.validTo}: renew it`)
  }
  tried(`--tls-cert ${certPath} cannot be served`, () => createSecureContext({ cert, key }))
  return { cert, key, expiresAtMs }
}

/**
 * Tells of a certificate that took the place of another in its files, within seconds. One that cannot be served is
 * logged, and the one before it stays. @returns ends it
 */
export function watchCertificate(
  files: CertificateFiles,
  logger: Logger,
  onChange: (certificate: Certificate) => void,
): () => void {
  const paths = [files.cert, files.key]
  const look = (): void => {
    readCertificate(files).then(onChange, (error: Error) => {
      // Also between the renewal of one file and that of the other.
      logger.warn({ problem: error.message }, 'the certificate before is still served')
    })
  }
  for (const path of paths) watchFile(path, { interval: LOOK_MS, persistent: false }, look)
  return () => {
    for (const path of paths) unwatchFile(path, look)
  }
}

async function read(flag: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new CertificateError(`${flag} ${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function tried<T>(problem: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw new CertificateError(`${problem}: ${(cause as Error).message}`, { cause })
  }
}
