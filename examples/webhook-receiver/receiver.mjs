// Takes events of jobs. SECRET is the webhook's: cortex webhook create URL job.completed job.failed --secret "$SECRET"
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const { SECRET: secret, PORT: port = '8080' } = process.env
if (!secret) throw new Error('SECRET is missing: give the one that the webhook was made with')

/** Older ones were said again by somebody who listened. */
const MAX_AGE_SECONDS = 300
const MAX_BYTES = 1_000_000
/** A delivery that was not answered in time comes again. */
const seen = new Set()

/** Whether the secret's holder signed these bytes, just now: `X-Cortex-Signature: t=SECONDS,v1=HEX`. */
function isSigned(header, body) {
  const [, seconds, given] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header ?? '') ?? []
  if (given === undefined || Math.abs(Date.now() / 1000 - Number(seconds)) > MAX_AGE_SECONDS) return false
  const wanted = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest()
  return timingSafeEqual(wanted, Buffer.from(given, 'hex'))
}

async function bodyOf(request) {
  const pieces = []
  let bytes = 0
  for await (const piece of request) {
    bytes += piece.length
    if (bytes > MAX_BYTES) return null
    pieces.push(piece)
  }
  // As it came: the signature is over these bytes, and not over what JSON makes of them.
  return Buffer.concat(pieces)
}

const server = createServer(async (request, response) => {
  const body = await bodyOf(request)
  if (body === null) return response.writeHead(413).end()
  if (!isSigned(request.headers['x-cortex-signature'], body)) return response.writeHead(401).end()
  // First the answer, then the work: a gateway waits some seconds, and tries again.
  response.writeHead(204).end()
  const event = JSON.parse(body.toString())
  if (seen.has(event.id)) return
  seen.add(event.id)
  console.log(event.type, event.data.job?.id ?? '')
})
server.listen(Number(port), () => console.log(`listening on port ${server.address().port}`))
process.once('SIGTERM', () => server.close())
