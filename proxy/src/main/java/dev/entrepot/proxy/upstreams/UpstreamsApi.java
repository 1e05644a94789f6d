package dev.entrepot.proxy.upstreams;

import dev.entrepot.proxy.admin.AdminEndpoint;
import dev.entrepot.proxy.admin.AdminReply;
import dev.entrepot.proxy.admin.AdminRequest;
import dev.entrepot.proxy.admin.RequestBody;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Optional;

/**
 * {@code GET /upstreams}: what is known of each; {@code POST}: each is asked first, which may close breakers; with
 * {@code {"mounts": true}} also whether it mounts blobs, which wants the right to push. In JSON, with the text for
 * people as {@code text}.
 */
public final class UpstreamsApi implements AdminEndpoint {
    /** The path, for both. */
    public static final String PATH = "/upstreams";

    /** What to post to have each upstream checked. */
    public static final String CHECK = "{}";

    /** What to post to have each asked also whether it mounts. */
    public static final String CHECK_WITH_MOUNTS = "{\"mounts\":true}";

    private static final RequestBody FORM =
            RequestBody.of(RequestBody.Key.optional("mounts", RequestBody.Kind.BOOLEAN));

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
            return Optional.of(AdminReply.error(405, "POST to have each upstream asked"));
        }
        if (!request.method().equals("POST")) {
            return Optional.of(shown(survey.known()));
        }
        boolean mounts;
        try {
            mounts = mounts(request.body());
        } catch (IllegalArgumentException e) {
            return Optional.of(AdminReply.error(400, String.valueOf(e.getMessage())));
        }
        return Optional.of(shown(checked(mounts)));
    }

    private static AdminReply shown(UpstreamReport report) {
        return new AdminReply(200, report.json().put("text", report.text()).toString());
    }

    private static boolean mounts(byte[] body) {
        return FORM.read(body).path("mounts").asBoolean(false);
    }

    private UpstreamReport checked(boolean mounts) throws IOException {
        try {
            return mounts ? survey.checkWithMounts() : survey.check();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while upstreams were asked");
        }
    }
}
