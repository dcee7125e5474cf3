/** A stream of pieces that tells how much of them was taken. */
export function createPieces(onTaken: (bytes: number) => void, onCancel: () => void) {
  const waiting: Uint8Array<ArrayBuffer>[] = []
  let hasEnded = false
  let failure: Error | null = null
  let wake = (): void => {}
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        while (waiting.length === 0 && !hasEnded && failure === null) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        const piece = waiting.shift()
        if (failure !== null) controller.error(failure)
        else if (piece === undefined) controller.close()
        else {
          controller.enqueue(piece)
          onTaken(piece.length)
        }
      },
      cancel: onCancel,
    },
    { highWaterMark: 0 },
  )
  return {
    stream,
    add(piece: Uint8Array<ArrayBuffer>): void {
      waiting.push(piece)
      wake()
    },
    end(): void {
      hasEnded = true
      wake()
    },
    fail(error: Error): void {
      failure ??= error
      wake()
    },
  }
}
