/** Messages as the peers write and read them that were released last. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createFileRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'

const FILE = join(import.meta.dirname, '../../protocol/released.json')

const schema = createFileRegistry(
  // With notes of the tool that wrote it.
  fromJson(FileDescriptorSetSchema, JSON.parse(readFileSync(FILE, 'utf8')), { ignoreUnknownFields: true }),
)

/** A message of `cortex.v1` as it was; undefined where there was none of the name. */
export function releasedMessage(name: string): DescMessage | undefined {
  return schema.getMessage(`cortex.v1.${name}`)
}

/** What a released peer reads; what it does not know is dropped, as it does. Numbers of 64 bits are text, bytes base64. */
export function readReleased(name: string, bytes: Uint8Array): JsonObject {
  const message = messageOf(name)
  // One of a message that is left out, of a field that is not set.
  return toJson(message, fromBinary(message, bytes, { readUnknownFields: false }), {
    alwaysEmitImplicit: true,
  }) as JsonObject
}

/** What a released peer writes. @throws where it knows no such field */
export function writeReleased(name: string, content: JsonValue): Uint8Array {
  const message = messageOf(name)
  return toBinary(message, fromJson(message, content))
}

function messageOf(name: string): DescMessage {
  const message = releasedMessage(name)
  if (message === undefined) throw new Error(`There was no message ${name}`)
  return message
}
