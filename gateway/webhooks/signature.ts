import { createHash, createHmac } from 'node:crypto'

/** The value of `X-Cortex-Signature` over the bytes of a body. */
export function signatureOf(secret: string, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

/** How a secret is shown: enough to tell two apart, nothing to sign with. */
export function fingerprintOf(secret: string): string {
  return `sha256:${createHash('sha256').update(`cortex-node/webhook/1\0${secret}`).digest('hex').slice(0, 16)}`
}
