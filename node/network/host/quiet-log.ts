import type { ComponentLogger, Logger } from '@libp2p/interface'

const ignore = (): void => undefined
const quiet: Logger = Object.assign(ignore, { error: ignore, trace: ignore, enabled: false, newScope: () => quiet })

/**
 * What libp2p logs to where nobody asked for it by `DEBUG=libp2p:*`: its own makes three loggers for each connection and
 * stream, and asks the system each time whether the terminal has colours.
 */
export const quietLog: ComponentLogger = { forComponent: () => quiet }
