package dev.entrepot.proxy.upstreams;

import dev.entrepot.proxy.admin.AdminEndpoint;
import dev.entrepot.proxy.admin.AdminReply;
import dev.entrepot.proxy.admin.AdminRequest;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Optional;

/** {@code GET /upstreams}: what is known of each; with {@code ?check=true} each is asked first. In JSON, with the text for people as {@code text}. */
public final class UpstreamsApi implements AdminEndpoint {
    /** The path, without a query. */
    public static final String PATH = "/upstreams";
    /** The path with the query that has each upstream asked. */
    public static final String CHECK = PATH + "?check=true";

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
        if (!request.method().equals("GET")) {
            return Optional.of(new AdminReply(405, "{\"error\":\"only GET\"}"));
        }
        UpstreamReport report = request.query().equals("check=true") ? checked() : survey.known();
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
