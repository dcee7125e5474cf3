/** What the job of `bench/reach.ts` runs, by Node alone: 7000 reads, 7001 says as much as it is asked for, 7002 says everything again, 8080 is a page. */

import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'

const piece = Buffer.alloc(64 * 1024, 'x')
const page = Buffer.alloc(612, 'x')
const listen = (port, serve) =>
  createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    serve(socket)
  }).listen(port)

listen(7000, (socket) => {
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.length
  })
  socket.once('end', () => socket.end(`${bytes}\n`))
})
listen(7001, (socket) => {
  socket.once('data', (line) => {
    let left = Number(line)
    const more = () => {
      while (left > 0) {
        const next = piece.subarray(0, left)
        left -= next.length
        if (!socket.write(next)) return
      }
      socket.end()
    }
    socket.on('drain', more)
    more()
  })
})
listen(7002, (socket) => socket.pipe(socket))
createHttpServer((_request, response) => {
  response.setHeader('content-type', 'text/html')
  response.end(page)
}).listen(8080, () => process.stdout.write('up\n'))
