/** The code that a socket to a kept command is closed with when another one goes on with it: there is nothing to open again. */
export const TAKEN_CLOSE = 4001
