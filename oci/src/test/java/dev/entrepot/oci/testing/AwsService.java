package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import tools.jackson.databind.JsonNode;

/**
 * What of AWS gives credentials, on one server: the APIs of ECR and ECR Public and the Security Token Service, which
 * check signatures, the metadata service of an instance (version 2 alone), the endpoint of a container, with keys that
 * are lent or its own, and of IAM Identity Center the portal and the OIDC service. Safe for all threads.
 */
public final class AwsService implements MiniHttpServer.Handler {
    /** Keys that it knows from the start. */
    public static final String KEY_ID = "AKIDEXAMPLE";

    /** Their secret. */
    public static final String SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /** What a container must show. */
    public static final String CONTAINER_TOKEN = "container-s3cret";

    /** What a web identity must show. */
    public static final String WEB_IDENTITY = "header.web-s3cret.signature";

    /** The access token of the login that is there from the start. */
    public static final String SSO_TOKEN = "sso-s3cret-0";

    /** The refresh token beside it. */
    public static final String SSO_REFRESH = "refresh-s3cret-0";

    /** The tool that logged in. */
    public static final String SSO_CLIENT = "client-of-the-tool";

    /** Its secret. */
    public static final String SSO_SECRET = "secret-of-the-tool";

    private static final Pattern AUTHORIZATION = Pattern.compile(
            "AWS4-HMAC-SHA256 Credential=([^/]+)/([0-9]{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})");
    private static final String INSTANCE_SESSION = "instance-session";

    private record Keys(String secret, Optional<String> session) {}

    private final InstantSource clock;
    private final Map<String, Keys> keys = new ConcurrentHashMap<>();
    private final Map<String, String> signers = new ConcurrentHashMap<>();
    private final AtomicInteger serial = new AtomicInteger();
    private final AtomicInteger passwords = new AtomicInteger();
    private volatile String password = "";
    private volatile String login = SSO_TOKEN;
    private volatile String refresh = SSO_REFRESH;

    /** A service by a clock. */
    public AwsService(InstantSource clock) {
        this.clock = clock;
        keys.put(KEY_ID, new Keys(SECRET, Optional.empty()));
    }

    /** The password that it gave last; the user is {@code AWS}. */
    public String password() {
        return password;
    }

    /** How many passwords it gave. */
    public int passwords() {
        return passwords.get();
    }

    /** The keys that the last request for that action was signed with, and what for: {@code id/region/service}. */
    public String signer(String action) {
        return signers.getOrDefault(action, "");
    }

    /** Ends the login before its time. */
    public void endLogin() {
        login = "none";
        refresh = "none";
    }

    @Override
    public Response handle(Request request, InputStream in) throws IOException {
        String body = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        return switch (request.path()) {
            case "/" -> api(request, body);
            case "/latest/api/token" ->
                request.method().equals("PUT")
                                && request.header("X-aws-ec2-metadata-token-ttl-seconds")
                                        .isPresent()
                        ? text(INSTANCE_SESSION)
                        : Response.of(405);
            case "/latest/meta-data/iam/security-credentials/" -> ofInstance(request, text("the-role"));
            case "/latest/meta-data/iam/security-credentials/the-role" -> ofInstance(request, lent("ASIAINSTANCE"));
            case "/container" ->
                request.header("Authorization").equals(Optional.of(CONTAINER_TOKEN))
                        ? lent("ASIACONTAINER")
                        : Response.of(401);
            case "/container/own" ->
                Response.json(200, "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\"}".formatted(KEY_ID, SECRET));
            case "/container/null", "/container/empty" ->
                Response.json(
                        200,
                        "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\",\"Token\":%s}"
                                .formatted(KEY_ID, SECRET, request.path().endsWith("null") ? "null" : "\"\""));
            case "/federation/credentials" -> portal(request);
            case "/token" -> oidc(request, body);
            default -> Response.of(404);
        };
    }

    /** {@code GetRoleCredentials}: for whoever shows the access token of a login; times in milliseconds. */
    private Response portal(Request request) {
        if (!request.method().equals("GET")
                || !request.header("x-amz-sso_bearer_token").equals(Optional.of(login))) {
            return Response.json(
                    401, "{\"message\":\"Session token not found or invalid\",\"__type\":\"UnauthorizedException\"}");
        }
        if (!request.query("account_id").equals(Optional.of("123456789012"))
                || !request.query("role_name").equals(Optional.of("Mirror+Reader"))) {
            return Response.json(403, "{\"message\":\"No access\",\"__type\":\"ForbiddenException\"}");
        }
        String id = lend("ASIASSO");
        Keys these = keys.get(id);
        return Response.json(
                200,
                "{\"roleCredentials\":{\"accessKeyId\":\"%s\",\"secretAccessKey\":\"%s\",\"sessionToken\":\"%s\",\"expiration\":%d}}"
                        .formatted(
                                id,
                                these.secret(),
                                these.session().orElseThrow(),
                                clock.instant().plus(Duration.ofHours(1)).toEpochMilli()));
    }

    /** {@code CreateToken} with a refresh token, which is good once; no signature. */
    private Response oidc(Request request, String body) {
        JsonNode asked = OciJson.mapper().readTree(body);
        boolean whole = request.method().equals("POST")
                && request.header("Content-Type").equals(Optional.of("application/json"))
                && asked.path("grantType").asString("").equals("refresh_token")
                && asked.path("clientId").asString("").equals(SSO_CLIENT)
                && asked.path("clientSecret").asString("").equals(SSO_SECRET);
        if (!whole || !asked.path("refreshToken").asString("").equals(refresh)) {
            return Response.json(400, "{\"error\":\"invalid_grant\",\"error_description\":\"s3cret\"}");
        }
        login = "sso-s3cret-" + serial.incrementAndGet();
        refresh = "refresh-s3cret-" + serial.incrementAndGet();
        return Response.json(
                200,
                "{\"accessToken\":\"%s\",\"tokenType\":\"Bearer\",\"expiresIn\":3600,\"refreshToken\":\"%s\"}"
                        .formatted(login, refresh));
    }

    private static Response ofInstance(Request request, Response answer) {
        return request.header("X-aws-ec2-metadata-token").equals(Optional.of(INSTANCE_SESSION))
                ? answer
                : Response.of(401);
    }

    private static Response text(String text) {
        return Response.of(200, "text/plain", Content.of(text.getBytes(StandardCharsets.UTF_8)));
    }

    private String lend(String prefix) {
        String id = prefix + serial.incrementAndGet();
        keys.put(id, new Keys("secret/of+" + id, Optional.of("session/of+" + id + "==")));
        return id;
    }

    private Response lent(String prefix) {
        String id = lend(prefix);
        Keys these = keys.get(id);
        return Response.json(
                200,
                "{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\",\"Token\":\"%s\",\"Expiration\":\"%s\"}"
                        .formatted(
                                id,
                                these.secret(),
                                these.session().orElseThrow(),
                                clock.instant().plus(Duration.ofHours(6))));
    }

    private Response api(Request request, String body) {
        Optional<String> target = request.header("X-Amz-Target");
        if (target.isEmpty()) {
            return sts(request, body);
        }
        boolean open = target.get().equals("SpencerFrontendService.GetAuthorizationToken");
        boolean known = open || target.get().equals("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
        if (!known || !request.header("Content-Type").equals(Optional.of("application/x-amz-json-1.1"))) {
            return error("UnknownOperationException");
        }
        Optional<String> fault = fault(request, body, "token", open ? "ecr-public" : "ecr");
        if (fault.isPresent()) {
            return error(fault.get());
        }
        password = "ecr-pass-" + passwords.incrementAndGet();
        String token = Base64.getEncoder().encodeToString(("AWS:" + password).getBytes(StandardCharsets.UTF_8));
        double end = clock.instant().plus(Duration.ofHours(12)).toEpochMilli() / 1000.0;
        String data = "{\"authorizationToken\":\"" + token + "\",\"expiresAt\":" + end
                + ",\"proxyEndpoint\":\"https://123456789012.dkr.ecr.eu-central-1.amazonaws.com\"}";
        return Response.json(200, "{\"authorizationData\":" + (open ? data : "[" + data + "]") + "}")
                .header("Content-Type", "application/x-amz-json-1.1");
    }

    private static Response error(String type) {
        return Response.json(400, "{\"__type\":\"" + type + "\",\"message\":\"no\"}");
    }

    private Response sts(Request request, String body) {
        Request form = new Request("GET", "/", body, request.headers());
        String action = form.query("Action").orElse("");
        boolean whole = form.query("Version").equals(Optional.of("2011-06-15"))
                && form.query("RoleArn")
                        .filter(arn -> arn.startsWith("arn:aws:iam::"))
                        .isPresent()
                && form.query("RoleSessionName")
                        .filter(name -> name.length() >= 2)
                        .isPresent();
        boolean allowed = switch (action) {
            case "AssumeRole" -> fault(request, body, action, "sts").isEmpty();
            case "AssumeRoleWithWebIdentity" -> form.query("WebIdentityToken").equals(Optional.of(WEB_IDENTITY));
            default -> false;
        };
        if (!whole || !allowed) {
            return Response.of(403, "text/xml", Content.of("<ErrorResponse/>".getBytes(StandardCharsets.UTF_8)));
        }
        String id = lend("ASIAROLE");
        Keys these = keys.get(id);
        String xml = "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action
                + "Result><Credentials><AccessKeyId>" + id + "</AccessKeyId><SecretAccessKey>" + these.secret()
                + "</SecretAccessKey><SessionToken>" + these.session().orElseThrow()
                + "</SessionToken><Expiration>2026-11-21T00:00:00Z</Expiration></Credentials></" + action + "Result></"
                + action + "Response>";
        return Response.of(200, "text/xml", Content.of(xml.getBytes(StandardCharsets.UTF_8)));
    }

    /** What AWS would say of the signature, written down from AWS's description and not from the program under test. */
    private Optional<String> fault(Request request, String body, String action, String service) {
        Matcher matcher = AUTHORIZATION.matcher(request.header("Authorization").orElse(""));
        if (!matcher.matches()) {
            return Optional.of("MissingAuthenticationTokenException");
        }
        Keys own = keys.get(matcher.group(1));
        if (own == null) {
            return Optional.of("UnrecognizedClientException");
        }
        if (!request.header("X-Amz-Security-Token").equals(own.session())) {
            return Optional.of("ExpiredTokenException");
        }
        String date = request.header("X-Amz-Date").orElse("");
        Instant at = Instant.parse(date.replaceAll("(....)(..)(..)T(..)(..)(..)Z", "$1-$2-$3T$4:$5:$6Z"));
        if (Duration.between(at, clock.instant()).abs().compareTo(Duration.ofMinutes(5)) > 0) {
            return Optional.of("RequestExpired");
        }
        StringBuilder fields = new StringBuilder();
        for (String name : matcher.group(5).split(";")) {
            fields.append(name)
                    .append(':')
                    .append(request.header(name).orElse(""))
                    .append('\n');
        }
        String canonical = request.method() + "\n" + request.rawPath() + "\n" + request.rawQuery() + "\n" + fields
                + "\n" + matcher.group(5) + "\n" + sha256(body);
        String scope = String.join("/", matcher.group(2), matcher.group(3), matcher.group(4), "aws4_request");
        byte[] key = ("AWS4" + own.secret()).getBytes(StandardCharsets.UTF_8);
        for (String part : scope.split("/")) {
            key = hmac(key, part);
        }
        String expected = HexFormat.of()
                .formatHex(hmac(key, "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + sha256(canonical)));
        boolean allSigned = Arrays.asList(matcher.group(5).split(";")).contains("host");
        if (!expected.equals(matcher.group(6))
                || !allSigned
                || !matcher.group(4).equals(service)) {
            return Optional.of("InvalidSignatureException");
        }
        signers.put(action, matcher.group(1) + "/" + matcher.group(3) + "/" + matcher.group(4));
        return Optional.empty();
    }

    private static String sha256(String text) {
        return Digest.sha256(text.getBytes(StandardCharsets.UTF_8)).encoded();
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
