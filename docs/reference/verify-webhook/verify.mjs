import { createHmac, timingSafeEqual } from 'node:crypto'

/** Whether a delivery is of the gateway that has this secret; `body` is what came, before it is parsed. */
export function isGenuine(secret, signature, body, nowMs = Date.now()) {
  const [, seconds, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature ?? '') ?? []
  if (seconds === undefined || Math.abs(nowMs / 1000 - Number(seconds)) > 300) return false
  const expected = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')
  return timingSafeEqual(Buffer.from(expected), Buffer.from(given))
}
