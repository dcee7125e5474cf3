/**
 * What a home's router says and does by UPnP, for a machine in the home that asks it to let others in: run where the router
 * is, as `upnp-router.ts INSIDE OUTSIDE`, with its address on either side. It really forwards what it was asked to.
 */

import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'

const [inside = '', outside = ''] = process.argv.slice(2)
const PORT = 5_000
const GROUP = '239.255.255.250'
const DEVICE = 'urn:schemas-upnp-org:device:InternetGatewayDevice:2'
const SERVICE = 'urn:schemas-upnp-org:service:WANIPConnection:2'
const run = promisify(execFile)

const DESCRIPTION = `<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceType>${DEVICE}</deviceType><UDN>uuid:router</UDN>
<serviceList><service><serviceType>${SERVICE}</serviceType><controlURL>/control</controlURL><SCPDURL>/scpd.xml</SCPDURL></service></serviceList>
</device></root>`

const socket = createSocket({ type: 'udp4', reuseAddr: true })
socket.on('message', (message, from) => {
  if (!message.toString().startsWith('M-SEARCH') || !message.includes(DEVICE)) return
  const lines = ['HTTP/1.1 200 OK', 'CACHE-CONTROL: max-age=1800', 'EXT:', `LOCATION: http://${inside}:${PORT}/`]
  const answer = [...lines, 'SERVER: test UPnP/2.0', `ST: ${DEVICE}`, `USN: uuid:router::${DEVICE}`, '', ''].join(
    '\r\n',
  )
  socket.send(answer, from.port, from.address)
})
socket.bind(1900, () => socket.addMembership(GROUP, inside))

createServer((request, response) => {
  answer(request.method === 'POST' ? text(request) : null).then(
    (body) => response.setHeader('Content-Type', 'text/xml').end(body),
    (error: Error) => response.writeHead(500).end(error.message),
  )
}).listen(PORT, inside)

async function answer(question: Promise<string> | null): Promise<string> {
  if (question === null) return DESCRIPTION
  const body = await question
  const field = (name: string): string => new RegExp(`<${name}>([^<]*)</`).exec(body)?.[1] ?? ''
  if (body.includes('GetExternalIPAddress')) {
    return envelope('GetExternalIPAddress', `<NewExternalIPAddress>${outside}</NewExternalIPAddress>`)
  }
  if (!body.includes('AddAnyPortMapping')) return envelope('DeletePortMapping', '')
  const [port, machine, inner] = ['NewExternalPort', 'NewInternalClient', 'NewInternalPort'].map(field)
  const to = ['-p', 'tcp', '-d', outside, '--dport', port ?? '', '-j', 'DNAT', '--to', `${machine}:${inner}`]
  await run('iptables', ['-t', 'nat', '-A', 'PREROUTING', ...to])
  await run('iptables', ['-A', 'FORWARD', '-p', 'tcp', '-d', machine ?? '', '--dport', inner ?? '', '-j', 'ACCEPT'])
  return envelope('AddAnyPortMapping', `<NewReservedPort>${port}</NewReservedPort>`)
}

function envelope(action: string, content: string): string {
  return `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<u:${action}Response xmlns:u="${SERVICE}">${content}</u:${action}Response></s:Body></s:Envelope>`
}
