import { z } from 'zod'
import { readTimeZone, TimeZoneError } from './time-zones.ts'

/** A time zone as people type it; its IANA name when it is read. */
export const zoneField = z
  .string()
  .max(64, { abort: true })
  .transform((text, context) => {
    try {
      return readTimeZone(text)
    } catch (error) {
      if (!(error instanceof TimeZoneError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  })
