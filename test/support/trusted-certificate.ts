import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type MadeCertificate, makeCertificate } from './certificate.ts'

/**
 * That of servers on loopback, which whoever loads this trusts. Made as it is loaded: the program reads once in a process
 * whom to trust, and files of tests that share one are all loaded before the first of their tests begins.
 */
export const trustedCertificate: Pick<MadeCertificate, 'cert' | 'key'> = makeTrusted()

function makeTrusted(): Pick<MadeCertificate, 'cert' | 'key'> {
  const folder = mkdtempSync(join(tmpdir(), 'cortex-tls-'))
  const { cert, key } = makeCertificate(folder, 'IP:127.0.0.1')
  rmSync(folder, { recursive: true })
  setDefaultCACertificates([...getCACertificates('default'), cert])
  return { cert, key }
}
