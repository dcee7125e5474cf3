import type { Authorization } from 'acme-client'

/** How an authority has names proved: by HTTP on port 80, by TLS on port 443, or by a record of the name (RFC 8555, RFC 8737). */
export const ACME_CHALLENGES = ['http-01', 'tls-alpn-01', 'dns-01'] as const

/** How names are proved here; by `dns-01` with a program that sets their records, see {@link dnsProof}. */
export type AcmeChallenge = 'http-01' | 'tls-alpn-01' | { dnsHook: string }

/** What an authority wants to find. */
export interface Question {
  /** The name, which the authority may call otherwise: of a wildcard, what stands after `*.`. */
  authorization: Authorization
  token: string
  /** What is to be found, in the form that this challenge has. */
  answer: string
}

/** One way to show an authority that names are ours. */
export interface Proof {
  challenge: (typeof ACME_CHALLENGES)[number]
  /** How long one answer may take to be given and to be taken back again, in ms. */
  takesMs: number
  /** From then on the authority finds the answer. @param signal nobody waits for it any more */
  give(question: Question, signal: AbortSignal): Promise<void>
  /** It is of no use any more. */
  takeBack(question: Question, signal: AbortSignal): Promise<void>
  /** Where the authority looks, as a sentence for whoever has to see to it. */
  where(names: readonly string[]): string
}

/** Answers by plain HTTP. @param answers by token; to be served under `/.well-known/acme-challenge/` */
export function httpProof(answers: Map<string, string>): Proof {
  return {
    challenge: 'http-01',
    takesMs: 0,
    async give({ token, answer }) {
      answers.set(token, answer)
    },
    async takeBack({ token }) {
      answers.delete(token)
    },
    where: ([name]) => `It asks http://${name}/.well-known/acme-challenge/ on port 80, which has to lead here`,
  }
}
