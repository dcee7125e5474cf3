/** The room that a requester gives to what its jobs left: see docs/decisions/0087-the-room-for-outputs.md. */

import { stat } from 'node:fs/promises'
import { shownBytes } from '../../../protocol/units.ts'
import { freeBytesAt, roomAt } from '../../disk.ts'
import type { Held } from './gives-way.ts'
import type { OutputFolder } from './output-folder.ts'

/** There is no room here for an output, which its provider goes on keeping; the message is for the job's owner. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError'
}

/** How much there may be. */
export interface OutputRoomInit {
  /** Of all outputs together. @default a tenth of the disk */
  roomBytes?: number | undefined
  /** What of the disk stays free. @default 0 */
  minFreeBytes?: number | undefined
}

/** The room of one folder. */
export interface OutputRoom {
  bytes(): Promise<number>
  /** @throws {NoRoomError} where what is still to come of all that is on its way would fill the disk */
  assertDisk(one: Held, arriving: Held[]): Promise<void>
}

/** Looks at the disk each time. */
export function createOutputRoom(
  { folder, path }: { folder: Pick<OutputFolder, 'partOf'>; path: string },
  { roomBytes, minFreeBytes = 0 }: OutputRoomInit,
): OutputRoom {
  async function toCome({ jobId, bytes }: Held): Promise<number> {
    const found = await stat(folder.partOf(jobId)).catch(() => null) // nothing came yet
    return Math.max(0, bytes - (found?.size ?? 0))
  }

  return {
    bytes: async () => await roomAt(path, roomBytes),
    async assertDisk(one, arriving) {
      const coming = await Promise.all(arriving.map(toCome))
      const free = (await freeBytesAt(path)) - minFreeBytes
      if (coming.reduce((sum, bytes) => sum + bytes, 0) <= free) return
      throw new NoRoomError(heldMessage(one.bytes, `the disk here has ${shownBytes(Math.max(0, free))} free`))
    },
  }
}

/** Why an output does not fit into a room, for its owner. */
export function roomMessage({ bytes }: Held, roomBytes: number): string {
  const room = `${shownBytes(roomBytes)}, --output-room`
  return heldMessage(bytes, bytes > roomBytes ? `all the room is ${room}` : `others have the room (${room})`)
}

function heldMessage(bytes: number, why: string): string {
  return `there is no room for its ${shownBytes(bytes)} here: ${why}; the provider keeps it for some days, and it comes once there is room`
}
