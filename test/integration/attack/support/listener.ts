/**
 * `listener PORT ADDRESS`: plays whoever a job should not reach, or the internet. Accepts on every address of its network
 * namespace, answers questions for names on ADDRESS, and says on its output who was spoken to. A name that begins as
 * `10-0-0-1.` has that address.
 */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const [port = '', names = ''] = process.argv.slice(2)
const answer = [203, 0, 113, 7]

createServer((socket) => {
  process.stdout.write(`${socket.localAddress}:${port}\n`)
  socket.on('error', () => undefined) // whoever asked has gone
  socket.end('hello\n')
}).listen(Number(port), '0.0.0.0')

// Datagrams do not tell which address they were sent to, but for those of a socket of that address alone.
for (const [address, said] of [
  [names, 'internet udp'],
  ['0.0.0.0', 'udp'],
] as const) {
  const heard = createSocket({ type: 'udp4', reuseAddr: true })
  heard.on('message', () => process.stdout.write(`${said}\n`))
  heard.bind(Number(port), address)
}

const asked = createSocket('udp4')
asked.on('message', (question, from) => {
  process.stdout.write('names:53\n')
  asked.send(reply(question), from.port, from.address)
})
asked.bind(53, names, () => process.stdout.write('ready\n'))

/** An answer of one address to a question for one; an empty one to any other. */
function reply(question: Buffer): Buffer {
  const end = question.indexOf(0, 12) + 5
  const isAddress = question.readUInt16BE(end - 4) === 1
  const first = question.toString('latin1', 13, 13 + (question[12] ?? 0))
  const address = /^\d+-\d+-\d+-\d+$/.test(first) ? first.split('-').map(Number) : answer
  const head = Buffer.from(question.subarray(0, end))
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(isAddress ? 1 : 0, 6)
  head.fill(0, 8, 12)
  return isAddress ? Buffer.concat([head, Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address])]) : head
}
