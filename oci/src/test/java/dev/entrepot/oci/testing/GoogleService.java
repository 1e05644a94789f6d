package dev.entrepot.oci.testing;

import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;

/**
 * What of Google gives access tokens, on one server: OAuth 2 at {@code /token}, the exchange of workload identity
 * federation at {@code /sts}, tokens of a service account at {@link #IMPERSONATION}, the metadata server, and what an
 * instance of AWS asks for its keys under {@code /aws}. Safe for all threads.
 */
public final class GoogleService implements MiniHttpServer.Handler {
    /** A refresh token that it takes. */
    public static final String REFRESH = "google-refresh-s3cret";

    /** A token of another issuer that it takes. */
    public static final String SUBJECT = "header.subject-s3cret.signature";

    /** Where tokens of a service account are given to those who may be it. */
    public static final String IMPERSONATION =
            "/v1/projects/-/serviceAccounts/mirror@p.iam.gserviceaccount.com:generateAccessToken";

    // Whatever the address that a key file says.
    private static final String AUDIENCE = "https://oauth2.googleapis.com/token";

    private static final String SCOPE = "https://www.googleapis.com/auth/cloud-platform";

    // One for all and only when it is used: a new pair costs a second now and then.
    private static final class Keys {
        static final KeyPair PAIR = newKeys();
    }

    private final InstantSource clock;
    private final AtomicInteger serial = new AtomicInteger();
    private final Set<String> issued = ConcurrentHashMap.newKeySet();
    private final List<String> ways = new CopyOnWriteArrayList<>();

    /**
     * A service by a clock.
     *
     * @param clock the time; Google's own library goes by the machine's
     */
    public GoogleService(InstantSource clock) {
        this.clock = clock;
    }

    /** Whether it has given that token. */
    public boolean knows(String token) {
        return issued.contains(token);
    }

    /** How it was asked for tokens, in order. */
    public List<String> ways() {
        return List.copyOf(ways);
    }

    /** Makes all tokens worthless. */
    public void revokeAll() {
        issued.clear();
    }

    /** The key file of a service account, as the console gives it out. */
    public String keyFile(URI server) {
        String pem = "-----BEGIN PRIVATE KEY-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'})
                        .encodeToString(Keys.PAIR.getPrivate().getEncoded())
                + "\n-----END PRIVATE KEY-----\n";
        return OciJson.mapper()
                .createObjectNode()
                .put("type", "service_account")
                .put("project_id", "p")
                .put("private_key_id", "key-1")
                .put("private_key", pem)
                .put("client_email", "mirror@p.iam.gserviceaccount.com")
                .put("client_id", "100000000000000000001")
                .put("token_uri", server + "/token")
                .toString();
    }

    @Override
    public Response handle(Request request, InputStream in) throws IOException {
        String body = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        Request form = new Request("GET", "/", body, request.headers());
        return switch (request.path()) {
            case "/token" -> oauth(form);
            case "/sts" -> exchange(form);
            case IMPERSONATION -> impersonate(request, body);
            case "/computeMetadata/v1/instance/service-accounts/default/token" ->
                request.header("Metadata-Flavor").equals(Optional.of("Google"))
                        ? token("metadata").header("Metadata-Flavor", "Google")
                        : Response.of(403);
            case "/subject" ->
                request.header("X-Subject").equals(Optional.of("yes"))
                        ? Response.json(200, "{\"value\":\"" + SUBJECT + "\"}")
                        : Response.of(403);
            case "/aws/token" ->
                request.method().equals("PUT")
                                && request.header("x-aws-ec2-metadata-token-ttl-seconds")
                                        .isPresent()
                        ? Response.json(200, "aws-session-s3cret")
                        : Response.of(403);
            case "/aws/region" -> ofInstance(request, "eu-central-1b");
            case "/aws/role" -> ofInstance(request, "the-role");
            case "/aws/role/the-role" ->
                ofInstance(
                        request,
                        "{\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"aws-s3cret\",\"Token\":\"aws-token-s3cret\"}");
            default -> Response.of(404);
        };
    }

    private static Response ofInstance(Request request, String text) {
        return request.header("x-aws-ec2-metadata-token").equals(Optional.of("aws-session-s3cret"))
                ? Response.json(200, text)
                : Response.of(401);
    }

    private Response oauth(Request form) {
        String grant = form.query("grant_type").orElse("");
        if (grant.equals("refresh_token")) {
            boolean right = form.query("refresh_token").equals(Optional.of(REFRESH))
                    && form.query("client_id").equals(Optional.of("client"))
                    && form.query("client_secret").equals(Optional.of("client-s3cret"));
            return right ? token("user") : error("invalid_grant");
        }
        boolean right = grant.equals("urn:ietf:params:oauth:grant-type:jwt-bearer")
                && isGood(form.query("assertion").orElse(""));
        return right ? token("service account") : error("invalid_grant");
    }

    private boolean isGood(String jwt) {
        String[] parts = jwt.split("\\.");
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initVerify(Keys.PAIR.getPublic());
            signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
            JsonNode header = OciJson.mapper().readTree(Base64.getUrlDecoder().decode(parts[0]));
            JsonNode claims = OciJson.mapper().readTree(Base64.getUrlDecoder().decode(parts[1]));
            Instant end = Instant.ofEpochSecond(claims.path("exp").asLong());
            return signature.verify(Base64.getUrlDecoder().decode(parts[2]))
                    && header.path("alg").asString("").equals("RS256")
                    && header.path("kid").asString("").equals("key-1")
                    && claims.path("iss").asString("").equals("mirror@p.iam.gserviceaccount.com")
                    && claims.path("aud").asString("").equals(AUDIENCE)
                    && claims.path("scope").asString("").equals(SCOPE)
                    && end.isAfter(clock.instant())
                    && !end.isAfter(clock.instant().plusSeconds(3600));
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private Response exchange(Request form) {
        boolean right = form.query("grant_type").equals(Optional.of("urn:ietf:params:oauth:grant-type:token-exchange"))
                && (form.query("subject_token_type").equals(Optional.of("urn:ietf:params:oauth:token-type:jwt"))
                                && form.query("subject_token").equals(Optional.of(SUBJECT))
                        || form.query("subject_token_type")
                                        .equals(Optional.of("urn:ietf:params:aws:token-type:aws4_request"))
                                && form.query("subject_token")
                                        .filter(GoogleService::isSignedForAws)
                                        .isPresent())
                && form.query("audience")
                        .filter(a -> a.startsWith("//iam.googleapis.com/"))
                        .isPresent()
                && form.query("scope").equals(Optional.of(SCOPE))
                && form.query("requested_token_type")
                        .equals(Optional.of("urn:ietf:params:oauth:token-type:access_token"));
        return right ? token("federation") : error("invalid_request");
    }

    // A request to AWS, as it would be sent, which only AWS can verify.
    private static boolean isSignedForAws(String token) {
        JsonNode signed = OciJson.mapper().readTree(URLDecoder.decode(token, StandardCharsets.UTF_8));
        String headers = signed.path("headers").toString();
        return signed.path("url").asString("").startsWith("https://sts.eu-central-1.amazonaws.com")
                && headers.contains("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
                && headers.contains("eu-central-1/sts/aws4_request")
                && headers.contains("//iam.googleapis.com/");
    }

    private Response impersonate(Request request, String body) {
        String token = request.header("Authorization").orElse("").replaceFirst("^Bearer ", "");
        if (!knows(token) || !body.contains(SCOPE)) {
            return Response.json(403, "{\"error\":{\"code\":403,\"status\":\"PERMISSION_DENIED\"}}");
        }
        return Response.json(
                200,
                "{\"accessToken\":\"%s\",\"expireTime\":\"%s\"}"
                        .formatted(issue("impersonation"), clock.instant().plusSeconds(3600)));
    }

    private String issue(String way) {
        String token = "ya29.token-" + serial.incrementAndGet();
        issued.add(token);
        ways.add(way);
        return token;
    }

    private Response token(String way) {
        return Response.json(
                200,
                "{\"access_token\":\"%s\",\"expires_in\":3599,\"token_type\":\"Bearer\",\"issued_token_type\":\"urn:ietf:params:oauth:token-type:access_token\"}"
                        .formatted(issue(way)));
    }

    private static Response error(String code) {
        return Response.json(400, "{\"error\":\"" + code + "\",\"error_description\":\"no\"}");
    }

    private static KeyPair newKeys() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(2048);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
