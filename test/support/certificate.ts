import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Files of a certificate that signs itself, and what they hold. */
export interface MadeCertificate {
  certPath: string
  keyPath: string
  cert: string
  key: string
}

/**
 * Makes a certificate by `openssl`.
 * @param folder where `cert` and `key` are written; what is there is replaced
 * @param names as `subjectAltName` has them, e.g. `DNS:localhost,IP:127.0.0.1`
 */
export function makeCertificate(folder: string, names: string): MadeCertificate {
  const [certPath, keyPath] = [join(folder, 'cert'), join(folder, 'key')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names}`]
  execFileSync('openssl', ['req', ...kind, ...subject, '-keyout', keyPath, '-out', certPath], { stdio: 'ignore' })
  return { certPath, keyPath, cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8') }
}

/** Signs a certificate once more, so that it expired yesterday. */
export function expire({ certPath, keyPath }: MadeCertificate): void {
  const files = ['-in', certPath, '-signkey', keyPath, '-out', certPath]
  execFileSync('openssl', ['x509', ...files, '-days', '-1'], { stdio: 'ignore' })
}
