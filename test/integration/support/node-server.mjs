/**
 * What runs in the container of {@link serverImage}: a web server that speaks WebSocket (8080), echoes of TCP (7000) and
 * UDP (7001). Plain JavaScript, so that any Node runs it.
 */

import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { WebSocketServer } from 'ws'

const KIB = 1024

/** What `GET /state` tells of the sockets. */
const state = { connections: 0, open: 0, heldBytes: 0, unsentBytes: 0, closes: [], udpSenders: 0 }
/** Sockets at `/held`, which read nothing until `GET /go`. */
const held = new Set()
const flooding = new Set()

const web = createServer((request, response) => {
  if (request.url === '/go') for (const socket of held) socket.resume()
  const unsentBytes = [...flooding].reduce((sum, socket) => sum + socket.bufferedAmount, 0)
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ ...state, unsentBytes, udpSenders: senders.size }))
})
web.on('connection', () => {
  state.connections += 1
})

const sockets = new WebSocketServer({
  server: web,
  perMessageDeflate: true,
  handleProtocols: (offered) => [...offered][0] ?? false,
})
sockets.on('connection', (socket, request) => {
  const url = new URL(request.url, 'http://container')
  state.open += 1
  socket.on('close', (code, reason) => {
    state.open -= 1
    state.closes.push([code, String(reason)])
  })
  if (url.pathname === '/held') hold(socket)
  else if (url.pathname === '/flood') flood(socket, Number(url.searchParams.get('bytes')))
  else {
    socket.on('message', (data, isBinary) => {
      if (String(data) === 'close, please') socket.close(4001, 'as you wish')
      else socket.send(data, { binary: isBinary })
    })
  }
})

function hold(socket) {
  held.add(socket)
  socket.pause()
  socket.on('message', (data) => {
    state.heldBytes += data.length
    socket.send(String(state.heldBytes))
  })
}

function flood(socket, bytes) {
  flooding.add(socket)
  for (let sent = 0; sent < bytes; sent += 64 * KIB) {
    socket.send(Buffer.alloc(64 * KIB, sent / (64 * KIB)), { compress: false })
  }
}

const senders = new Set()
const udp = createSocket('udp4')
udp.on('message', (datagram, { address, port }) => {
  senders.add(port)
  udp.send(datagram, port, address)
})

const tcp = createTcpServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {}).pipe(socket)
})

udp.bind(7001, () => tcp.listen(7000, () => web.listen(8080, () => process.stdout.write('up\n'))))
