// JavaScript that says nothing of its types, or not of this file's.
declare module 'snappyjs' {
  const snappy: { uncompress(compressed: Uint8Array, maxLength?: number): Uint8Array }
  // biome-ignore lint/style/noDefaultExport: theirs
  export default snappy
}

declare module 'crc-32/crc32c.js' {
  const crc32c: { buf(data: Uint8Array, seed?: number): number }
  // biome-ignore lint/style/noDefaultExport: theirs
  export default crc32c
}

declare module 'fs-native-extensions' {
  /** Locks the whole file for this one opening of it; false where another opening of it, here or elsewhere, has it. */
  export function tryLock(fd: number): boolean
}
