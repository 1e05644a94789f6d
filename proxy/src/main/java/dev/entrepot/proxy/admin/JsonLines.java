package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.RequestRecord;

/** Lines that are JSON objects. */
final class JsonLines implements AccessLogLines {
    private final LogFields fields = new LogFields();

    @Override
    public void append(RequestRecord request, LineBuffer out) {
        out.add("{\"time\":\"");
        fields.addTime(request, out);
        out.add("\",\"client\":").addQuoted(fields.client(request));
        if (!request.user().isEmpty()) {
            out.add(",\"user\":").addQuoted(request.user());
        }
        out.add(",\"method\":").addQuoted(request.method());
        out.add(",\"path\":").addQuoted(request.path());
        if (!request.namespace().isEmpty()) {
            out.add(",\"ns\":").addQuoted(request.namespace());
        }
        out.add(",\"kind\":\"").add(request.kind().label());
        out.add("\",\"status\":").add(request.status());
        out.add(",\"bytes\":").add(request.bodyBytes());
        out.add(",\"ms\":");
        LogFields.addMillis(request.nanos(), out);
        out.add(",\"cache\":\"").add(LogFields.verdict(request));
        out.add("\",\"upstream\":\"").add(LogFields.upstream(request));
        out.add("\",\"end\":\"").add(request.ending().label());
        out.add("\",\"agent\":").addQuoted(request.userAgent()).add("}\n");
    }
}
