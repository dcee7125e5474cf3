import type { IncomingMessage } from 'node:http'
import { parseStringPromise, type XmlNode } from 'xml2js'

/** An element without its attributes' meaning: its children by name; one without children is its text. */
export type XmlElement = XmlNode

/** The root element of an answer. @throws where it is larger, ends before its end, or is no XML */
export async function readXml(answer: IncomingMessage, maxBytes: number): Promise<XmlElement> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  const [root] = Object.values((await parseStringPromise(Buffer.concat(chunks).toString())) ?? {})
  if (root === undefined) throw new Error('no element')
  return root
}

/** The text of a child; empty where there is none. */
export function textOf(element: XmlElement, child: string): string {
  const [found] = typeof element === 'string' ? [] : (element[child] ?? [])
  if (typeof found === 'string') return found
  const text: unknown = found?._
  return typeof text === 'string' ? text : ''
}

/** Its children of a name. */
export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return typeof element === 'string' ? [] : (element[name] ?? [])
}
