/**
 * A look at an encoded message before anything is made of it. Two bytes on the wire can become an object of a hundred,
 * so a megabyte could cost a hundred.
 *
 * The decoder reads a known field as its schema says, whatever type the wire says it has, and lets an inner message run
 * past its own end. Counting must see what the decoder will see, so both are malformed here.
 */

import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/** A tag and one byte more. */
const MIN_FIELD_BYTES = 2

/** Whether a message has more than `maxFields` fields, those of its inner messages included. Malformed bytes throw. */
export function hasMoreFields(schema: DescMessage, bytes: Uint8Array, maxFields: number): boolean {
  if (bytes.length <= maxFields * MIN_FIELD_BYTES) return false
  const reader = new BinaryReader(bytes)
  return countFields(reader, bytes.length, layoutOf(schema), maxFields) > maxFields
}

/** Counts up to `end`; stops where it is more than `maxFields`. */
function countFields(reader: BinaryReader, end: number, layout: Layout, maxFields: number): number {
  let count = 0
  while (reader.pos < end && count <= maxFields) {
    const [number, wireType] = reader.tag()
    count++
    const field = layout.get(number)
    if (field !== undefined && field.wireType !== wireType) throw new Error(`field ${number} is of another type`)
    if (field?.inner === undefined) {
      reader.skip(wireType, number)
    } else {
      const length = reader.uint32()
      count += countFields(reader, reader.pos + length, field.inner, maxFields - count)
    }
  }
  if (reader.pos > end) throw new Error('a field runs past the end of its message')
  return count
}

interface Field {
  wireType: WireType
  inner?: Layout
}
type Layout = ReadonlyMap<number, Field>

const layouts = new WeakMap<DescMessage, Layout>()

function layoutOf(schema: DescMessage): Layout {
  const known = layouts.get(schema)
  if (known !== undefined) return known
  const layout = new Map<number, Field>()
  layouts.set(schema, layout) // before its fields: a message may hold itself
  for (const field of schema.fields) layout.set(field.number, describeField(field))
  return layout
}

function describeField(field: DescField): Field {
  const { LengthDelimited, Varint } = WireType
  if (field.fieldKind === 'map') {
    const value: Field =
      field.message !== undefined
        ? { wireType: LengthDelimited, inner: layoutOf(field.message) }
        : { wireType: field.scalar === undefined ? Varint : wireTypeOf(field.scalar) }
    const entry = new Map([
      [1, { wireType: wireTypeOf(field.mapKey) }],
      [2, value],
    ])
    return { wireType: LengthDelimited, inner: entry }
  }
  if (field.message !== undefined) return { wireType: LengthDelimited, inner: layoutOf(field.message) }
  if (field.fieldKind === 'list' && field.packed) return { wireType: LengthDelimited }
  return { wireType: field.scalar === undefined ? Varint : wireTypeOf(field.scalar) }
}

function wireTypeOf(scalar: ScalarType): WireType {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32
    default:
      return WireType.Varint
  }
}
