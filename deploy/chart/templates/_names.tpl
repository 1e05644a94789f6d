{{/* The name of a release may have dots and begin with a digit; that of a service may not. Two that would be one by that are told apart; not so two of more than 50 characters that begin with the same 50. */}}
{{- define "entrepot.name" -}}
{{- $release := .Release.Name -}}
{{- if regexMatch "^[a-z][a-z0-9-]*$" $release -}}
{{- $release | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := $release | replace "." "-" -}}
{{- if regexMatch "^[0-9]" $name -}}{{- $name = printf "entrepot-%s" $name -}}{{- end -}}
{{- printf "%s-%s" ($name | trunc 41 | trimSuffix "-") ($release | sha256sum | trunc 8) -}}
{{- end -}}
{{- end -}}

{{- define "entrepot.selector" -}}
app.kubernetes.io/name: entrepot
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* The name of a volume, which is a label, for an object, whose name may have dots and be longer. Two that would be one are told apart. */}}
{{- define "entrepot.volume" -}}
{{- $name := printf "%s-%s" (index . 0) (index . 1) -}}
{{- if or (contains "." $name) (gt (len $name) 63) -}}
{{- printf "%s-%s" ($name | replace "." "-" | trunc 54) ($name | sha256sum | trunc 8) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
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

{{/* What of the configuration is in effect after a restart only. The server reads the rest again by itself: rules, access, and the times of freshness (ConfigReload). */}}
{{- define "entrepot.restarts" -}}
{{- $config := fromYaml (include "entrepot.config" .) -}}
{{- $upstreams := dict -}}
{{- range $name, $upstream := default dict (get $config "upstreams") -}}
{{- $_ := set $upstreams $name (omit (default dict $upstream) "rules" "fresh-for" "stale-for") -}}
{{- end -}}
{{- $_ := set $config "upstreams" $upstreams -}}
{{- $_ := set $config "cache" (omit (get $config "cache") "fresh-for" "stale-for" "referrers-fresh-for") -}}
{{- omit $config "rules" "access" | toJson -}}
{{- end -}}

{{/* How the admin API is spoken to: HTTPS with config.server.admin-tls. */}}
{{- define "entrepot.adminScheme" -}}
{{- if get (default dict .Values.config.server) "admin-tls" -}}HTTPS{{- else -}}HTTP{{- end -}}
{{- end -}}
