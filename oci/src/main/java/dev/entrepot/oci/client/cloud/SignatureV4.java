package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.client.ServiceRequest;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs requests to AWS (Signature Version 4, in the header field {@code Authorization}). For paths and queries that
 * need no escapes beyond those they have.
 *
 * @param keys the keys to sign with
 * @param region the region
 * @param service the name of the service in signatures
 */
record SignatureV4(AwsKeys keys, String region, String service) {
    private static final String ALGORITHM = "AWS4-HMAC-SHA256";
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

    /** The request with its signature, good for some minutes around {@code now}. All header fields are signed. */
    ServiceRequest sign(ServiceRequest request, Instant now) {
        String time = TIME.format(now);
        ServiceRequest dated = request.with("X-Amz-Date", time);
        ServiceRequest complete = keys.sessionToken()
                .map(token -> dated.with("X-Amz-Security-Token", token))
                .orElse(dated);
        return complete.with("Authorization", authorization(complete, time));
    }

    private String authorization(ServiceRequest request, String time) {
        Map<String, String> signed = new TreeMap<>();
        request.headers().forEach((name, value) -> signed.put(name.toLowerCase(Locale.ROOT), canonical(value)));
        signed.put("host", host(request.uri()));
        String names = String.join(";", signed.keySet());
        String fields = signed.entrySet().stream()
                .map(field -> field.getKey() + ":" + field.getValue() + "\n")
                .collect(Collectors.joining());
        String path = request.uri().getRawPath();
        String canonicalRequest = String.join(
                "\n",
                request.method(),
                path == null || path.isEmpty() ? "/" : path,
                canonicalQuery(request.uri()),
                fields,
                names,
                sha256(request.body()));
        String day = time.substring(0, 8);
        String scope = day + "/" + region + "/" + service + "/aws4_request";
        String toSign = String.join("\n", ALGORITHM, time, scope, sha256(canonicalRequest));
        String signature = HexFormat.of().formatHex(hmac(key(day), toSign));
        return ALGORITHM + " Credential=" + keys.accessKeyId() + "/" + scope + ", SignedHeaders=" + names
                + ", Signature=" + signature;
    }

    private static String canonical(String value) {
        return value.strip().replaceAll(" +", " ");
    }

    private static String host(URI uri) {
        String scheme = String.valueOf(uri.getScheme());
        boolean implied = uri.getPort() < 0 || uri.getPort() == ("https".equalsIgnoreCase(scheme) ? 443 : 80);
        return implied ? uri.getHost() : uri.getHost() + ":" + uri.getPort();
    }

    /** The query of a URI as it is signed: by name, then by value, each with its equals sign. */
    static String canonicalQuery(URI uri) {
        String query = uri.getRawQuery();
        return query == null
                ? ""
                : Arrays.stream(query.split("&"))
                        .filter(parameter -> !parameter.isEmpty())
                        .map(Parameter::of)
                        .sorted(Comparator.comparing(Parameter::name).thenComparing(Parameter::value))
                        .map(parameter -> parameter.name() + "=" + parameter.value())
                        .collect(Collectors.joining("&"));
    }

    // As it is written. Sorted as whole texts, "a-b=1" would come before "a=1".
    private record Parameter(String name, String value) {
        static Parameter of(String text) {
            int end = text.indexOf('=');
            return end < 0 ? new Parameter(text, "") : new Parameter(text.substring(0, end), text.substring(end + 1));
        }
    }

    private byte[] key(String day) {
        byte[] secret = ("AWS4" + keys.secretAccessKey()).getBytes(StandardCharsets.UTF_8);
        return hmac(hmac(hmac(hmac(secret, day), region), service), "aws4_request");
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java runtime has HmacSHA256", e);
        }
    }

    private static String sha256(String text) {
        return Digest.sha256(text.getBytes(StandardCharsets.UTF_8)).encoded();
    }
}
