import { RegistryFailure } from '../../../node/registry/failure.ts'

/** What pulls under way may take, each beside what the others will. */
export interface ImageRoom {
  /**
   * Answers what is asked of each as it comes, with how much of it is unpacked by now, in bytes.
   * @param bytes of the image as it is sent
   * @param room bytes that images may take now
   */
  take(key: string, bytes: number, room: number): (unpacked: number) => void
  giveBack(key: string): void
}

/** @param maxImageBytes the largest image, unpacked */
export function createImageRoom(maxImageBytes: number): ImageRoom {
  /** What pulls under way will take, by their keys. */
  const reserved = new Map<string, number>()
  return {
    take(key, bytes, room) {
      const others = [...reserved].reduce((sum, [other, taken]) => (other === key ? sum : sum + taken), 0)
      const free = room - others
      /** What it takes while it is unpacked: itself, and what came of it so far. */
      return (unpacked) => {
        if (unpacked > maxImageBytes) {
          throw new RegistryFailure('image-too-large', `it takes ${unpacked} bytes, more than ${maxImageBytes}`)
        }
        const needs = bytes + Math.max(bytes, unpacked)
        if (needs > free) throw new RegistryFailure('no-space', `it takes ${needs} bytes, and images have ${free}`)
        reserved.set(key, needs)
      }
    },
    giveBack: (key) => void reserved.delete(key),
  }
}
