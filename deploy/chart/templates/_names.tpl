{{- define "entrepot.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end -}}

{{- define "entrepot.selector" -}}
app.kubernetes.io/name: entrepot
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "entrepot.labels" -}}
{{ include "entrepot.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "entrepot.config" -}}
{{- $server := dict "listen" ":5000" "admin" ":5001" -}}
{{- if .Values.tlsSecret -}}
{{- $_ := set $server "tls" (dict "certificate" "/etc/entrepot-tls/tls.crt" "key" "/etc/entrepot-tls/tls.key") -}}
{{- end -}}
{{- $own := dict "server" $server "cache" (dict "directory" "/var/lib/entrepot") -}}
{{- toYaml (mustMergeOverwrite (deepCopy .Values.config) $own) -}}
{{- end -}}
