/** Sends a file with the bytes told that have gone: `fetch` does not tell them. @throws in the gateway's words */
export async function sendFile(
  address: string,
  file: Blob,
  onBytes: (sent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('PUT', address)
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.responseType = 'text'
    request.upload.onprogress = ({ loaded }) => onBytes(loaded)
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve()
      else reject(new Error(messageIn(request.responseText) ?? `The gateway answered ${request.status}`))
    }
    request.onerror = () => reject(new Error('The connection to the gateway broke off'))
    request.onabort = () => reject(signal.reason)
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}

function messageIn(answer: string): string | null {
  try {
    const { error } = JSON.parse(answer) as { error?: { message?: unknown } }
    return typeof error?.message === 'string' ? error.message : null
  } catch {
    return null // not the gateway's: a proxy's page, or nothing
  }
}
