package dev.entrepot.proxy.upstreams;

import dev.entrepot.proxy.admin.AdminEndpoint;
import dev.entrepot.proxy.admin.AdminReply;
import dev.entrepot.proxy.admin.AdminRequest;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Optional;

/** {@code GET /upstreams}: what is known of each; {@code POST}: each is asked first, which may close breakers. In JSON, with the text for people as {@code text}. */
public final class UpstreamsApi implements AdminEndpoint {
    /** The path, for both. */
    public static final String PATH = "/upstreams";

    private final UpstreamSurvey survey;

    /** Of a survey. */
    public UpstreamsApi(UpstreamSurvey survey) {
        this.survey = survey;
    }

    @Override
    public Optional<AdminReply> answer(AdminRequest request) throws IOException {
        if (!request.path().equals(PATH)) {
            return Optional.empty();
        }
        if (request.method().equals("GET") && request.query().equals("check=true")) {
            return Optional.of(new AdminReply(405, "{\"error\":\"POST to have each upstream asked\"}"));
        }
        UpstreamReport report = request.method().equals("POST") ? checked() : survey.known();
        return Optional.of(
                new AdminReply(200, report.json().put("text", report.text()).toString()));
    }

    private UpstreamReport checked() throws IOException {
        try {
            return survey.check();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while upstreams were asked");
        }
    }
}
