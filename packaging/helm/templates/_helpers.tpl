{{- define "cortex-node.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "cortex-node.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- /* Of one part. Takes a list: the root, and the part's name. */ -}}
{{- define "cortex-node.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "cortex-node.image" -}}
{{- $repository := required "image.repository: name the image that you built, such as registry.example/cortex-node" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- /* Names by which clients reach the gateway, with commas between them. */ -}}
{{- define "cortex-node.hosts" -}}
{{- $service := printf "%s-gateway" (include "cortex-node.name" .) -}}
{{- $hosts := list -}}
{{- if .Values.gateway.ingress.enabled -}}
{{- range .Values.gateway.ingress.hosts -}}
{{- if not (hasPrefix "*." .) -}}
{{- $hosts = append $hosts . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $hosts = concat $hosts .Values.gateway.allowHosts (list $service (printf "%s.%s" $service .Release.Namespace) (printf "%s.%s.svc" $service .Release.Namespace) (printf "%s.%s.svc.cluster.local" $service .Release.Namespace)) -}}
{{- join "," (uniq $hosts) -}}
{{- end -}}

{{- /* The file of settings: what the chart says, and over it what its user does. */ -}}
{{- define "cortex-node.settings" -}}
{{- $common := dict "network" .Values.network "mdns" false -}}
{{- if .Values.networkKey.existingSecret -}}
{{- $_ := set $common "network-key" (printf "/etc/cortex-network/%s" .Values.networkKey.key) -}}
{{- end -}}
{{- $gateway := dict "host" "0.0.0.0" "port" 13000 "listen" (list "/ip4/0.0.0.0/tcp/13100") "allow-host" (include "cortex-node.hosts" . | splitList ",") -}}
{{- $bootstrap := .Values.bootstrap -}}
{{- if .Values.relay.enabled -}}
{{- $bootstrap = append $bootstrap (printf "/dns4/%s-relay.%s.svc/tcp/%v" (include "cortex-node.name" .) .Release.Namespace .Values.relay.peers.port) -}}
{{- end -}}
{{- with $bootstrap -}}
{{- $_ := set $gateway "bootstrap" . -}}
{{- end -}}
{{- with .Values.gateway.peers.announce -}}
{{- $_ := set $gateway "announce" . -}}
{{- end -}}
{{- if .Values.gateway.tls.existingSecret -}}
{{- $_ := set $gateway "tls-cert" "/etc/cortex-tls/tls.crt" -}}
{{- $_ := set $gateway "tls-key" "/etc/cortex-tls/tls.key" -}}
{{- end -}}
{{- if .Values.gateway.ingress.enabled -}}
{{- if not .Values.gateway.ingress.trustedProxies -}}
{{- fail "gateway.ingress.trustedProxies: name the network of the ingress controller's pods, such as 10.42.0.0/16: without it everybody behind it is one client, and the dashboard refuses changes" -}}
{{- end -}}
{{- $_ := set $gateway "trust-proxy" .Values.gateway.ingress.trustedProxies -}}
{{- end -}}
{{- $relay := dict "listen" (list "/ip4/0.0.0.0/tcp/13100") -}}
{{- with .Values.bootstrap -}}
{{- $_ := set $relay "bootstrap" . -}}
{{- end -}}
{{- with .Values.relay.peers.announce -}}
{{- $_ := set $relay "announce" . -}}
{{- end -}}
{{- $parts := dict -}}
{{- if .Values.gateway.enabled -}}
{{- $_ := set $parts "gateway" (mergeOverwrite $gateway (deepCopy .Values.gateway.config)) -}}
{{- end -}}
{{- if .Values.relay.enabled -}}
{{- $_ := set $parts "relay" (mergeOverwrite $relay (deepCopy .Values.relay.config)) -}}
{{- end -}}
{{- toYaml (merge $parts $common) -}}
{{- end -}}

{{- /* Of a pod and of its one container: nobody's rights, and nothing of the image written. */ -}}
{{- define "cortex-node.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
# Modes of the keys in the volume stay as they are.
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}
{{- define "cortex-node.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* The service by which peers come in. Takes a list: the root, and the part's name. */ -}}
{{- define "cortex-node.peers" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- $peers := (index $root.Values $part).peers -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "cortex-node.name" $root }}-{{ $part }}{{ if eq $part "gateway" }}-peers{{ end }}
  labels:
    {{- include "cortex-node.labels" $root | nindent 4 }}
  {{- with $peers.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ $peers.type }}
  {{- if ne $peers.type "ClusterIP" }}
  # Peers are counted by their addresses.
  externalTrafficPolicy: Local
  {{- end }}
  selector:
    {{- include "cortex-node.selector" . | nindent 4 }}
  ports:
    - name: peers
      port: {{ $peers.port }}
      targetPort: peers
      protocol: TCP
      {{- if $peers.nodePort }}
      nodePort: {{ $peers.nodePort }}
      {{- end }}
{{- end -}}

{{- /* One pod that keeps its volume. Takes a list: the root, and the part's name. */ -}}
{{- define "cortex-node.pod" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- $own := index $root.Values $part -}}
{{- $isGateway := eq $part "gateway" -}}
{{- $secret := and $isGateway $root.Values.gateway.existingSecret -}}
{{- $tls := and $isGateway $root.Values.gateway.tls.existingSecret -}}
{{- $key := $root.Values.networkKey.existingSecret -}}
{{- $name := include "cortex-node.name" $root -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}-{{ $part }}
  labels:
    {{- include "cortex-node.labels" $root | nindent 4 }}
spec:
  # Two with one identity must never run.
  replicas: 1
  serviceName: {{ $name }}-{{ $part }}{{ if $isGateway }}-peers{{ end }}
  selector:
    matchLabels:
      {{- include "cortex-node.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "cortex-node.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ $part }}
      annotations:
        checksum/settings: {{ include "cortex-node.settings" $root | sha256sum }}
        {{- with $own.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 60
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- include "cortex-node.podSecurity" $root | nindent 8 }}
      containers:
        - name: {{ $part }}
          image: {{ include "cortex-node.image" $root | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [{{ $part }}]
          securityContext:
            {{- include "cortex-node.containerSecurity" $root | nindent 12 }}
          env:
            - name: CORTEX_CONFIG
              value: /etc/cortex/cortex.yaml
            - name: CORTEX_DATA
              value: /data
            {{- with $own.env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- if $secret }}
          envFrom:
            - secretRef:
                name: {{ $secret }}
          {{- end }}
          ports:
            {{- if $isGateway }}
            - name: http
              containerPort: 13000
            {{- end }}
            - name: peers
              containerPort: 13100
          {{- if $isGateway }}
          # After an update, lists of many jobs are made anew before it answers.
          startupProbe:
            httpGet: &health
              path: /health
              port: http
              scheme: {{ ternary "HTTPS" "HTTP" (not (empty $tls)) }}
            periodSeconds: 5
            failureThreshold: 60
          readinessProbe:
            httpGet: *health
            periodSeconds: 5
            timeoutSeconds: 3
          livenessProbe:
            httpGet: *health
            periodSeconds: 20
            timeoutSeconds: 10
            failureThreshold: 6
          {{- else }}
          readinessProbe:
            tcpSocket: &peers
              port: peers
            periodSeconds: 5
          livenessProbe:
            tcpSocket: *peers
            initialDelaySeconds: 30
            periodSeconds: 20
            failureThreshold: 6
          {{- end }}
          resources:
            {{- toYaml $own.resources | nindent 12 }}
          volumeMounts:
            - name: data
              mountPath: /data
            - name: settings
              mountPath: /etc/cortex
              readOnly: true
            - name: tmp
              mountPath: /tmp
            {{- if $key }}
            - name: network-key
              mountPath: /etc/cortex-network
              readOnly: true
            {{- end }}
            {{- if $tls }}
            - name: tls
              mountPath: /etc/cortex-tls
              readOnly: true
            {{- end }}
      volumes:
        - name: settings
          configMap:
            name: {{ $name }}
        - name: tmp
          emptyDir: {}
        {{- if $key }}
        - name: network-key
          secret:
            secretName: {{ $key }}
            defaultMode: 288 # 0440
        {{- end }}
        {{- if $tls }}
        - name: tls
          secret:
            secretName: {{ $tls }}
            defaultMode: 288 # 0440
        {{- end }}
        {{- with $own.persistence.existingClaim }}
        - name: data
          persistentVolumeClaim:
            claimName: {{ . }}
        {{- end }}
      {{- with $own.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $own.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $own.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- if not $own.persistence.existingClaim }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes:
          {{- toYaml $own.persistence.accessModes | nindent 10 }}
        {{- with $own.persistence.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ $own.persistence.size }}
  {{- end }}
{{- end -}}
