import { StatefulSet } from 'kubernetes-models/apps/v1'
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1'
import { ConfigMap, Service } from 'kubernetes-models/v1'

const KINDS = [StatefulSet, Ingress, ConfigMap, Service]

/** What Kubernetes' own schema of a kind finds wrong with an object; null where nothing is. */
export function problemWith(object: { apiVersion: string; kind: string }): string | null {
  const Kind = KINDS.find((one) => one.kind === object.kind && one.apiVersion === object.apiVersion)
  if (Kind === undefined) return `there is no ${object.apiVersion} ${object.kind}`
  try {
    new Kind(object as never).validate()
    return null
  } catch (error) {
    return (error as Error).message
  }
}
