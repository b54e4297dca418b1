{{- define "telemetry.labels" -}}
app.kubernetes.io/name: {{ . }}
app.kubernetes.io/part-of: hydra-telemetry
app.kubernetes.io/managed-by: Helm
{{- end }}

{{- define "telemetry.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65534
runAsGroup: 65534
fsGroup: 65534
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "telemetry.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
