package dev.entrepot.oci.client.cloud;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.client.ServiceRequest;
import java.net.URI;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Signatures that AWS has published: the suite for version 4, and the example of the documentation. */
class SignatureV4Test {
    private static final Instant TIME = Instant.parse("2015-08-30T12:36:00Z");
    private static final AwsKeys KEYS =
            new AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Optional.empty());

    private static String authorization(ServiceRequest request, String service) {
        return new SignatureV4(KEYS, "us-east-1", service)
                .sign(request, TIME)
                .headers()
                .get("Authorization");
    }

    private static ServiceRequest request(String method, String path) {
        return ServiceRequest.of("a test", method, URI.create("https://example.amazonaws.com" + path));
    }

    @Test
    void getVanilla() {
        assertThat(authorization(request("GET", "/"), "service"))
                .isEqualTo("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
                        + " SignedHeaders=host;x-amz-date,"
                        + " Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    }

    @Test
    void getVanillaQueryOrderKeyCase() {
        assertThat(authorization(request("GET", "/?Param2=value2&Param1=value1"), "service"))
                .endsWith("Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    }

    @ParameterizedTest
    @CsvSource({
        "/?a-b=1&a=2&a=1,    a=1&a=2&a-b=1",
        "/?B=1&a1=x&a=,      B=1&a=&a1=x",
        "/?b&a,              a=&b=",
        "/?a=1&&b=2&,        a=1&b=2"
    })
    void queryIsSignedByNameThenByValueWithAnEqualsSignEach(String query, String canonical) {
        assertThat(SignatureV4.canonicalQuery(request("GET", query).uri())).isEqualTo(canonical);
    }

    @Test
    void postVanilla() {
        assertThat(authorization(request("POST", "/"), "service"))
                .endsWith("Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    }

    @Test
    void postXWwwFormUrlencoded() {
        ServiceRequest form = request("POST", "/").withBody("application/x-www-form-urlencoded", "Param1=value1");

        assertThat(authorization(form, "service"))
                .endsWith("SignedHeaders=content-type;host;x-amz-date,"
                        + " Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
    }

    @Test
    void listUsersOfTheDocumentation() {
        ServiceRequest list = ServiceRequest.of(
                        "a test", "GET", URI.create("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"))
                .with("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");

        assertThat(authorization(list, "iam"))
                .endsWith("SignedHeaders=content-type;host;x-amz-date,"
                        + " Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    @Test
    void keysThatAreLentGoWithTheirTokenWhichIsSigned() {
        AwsKeys lent = new AwsKeys(KEYS.accessKeyId(), KEYS.secretAccessKey(), Optional.of("the-session"));
        ServiceRequest signed = new SignatureV4(lent, "us-east-1", "service").sign(request("GET", "/"), TIME);

        assertThat(signed.headers().get("X-Amz-Security-Token")).isEqualTo("the-session");
        assertThat(signed.headers().get("Authorization")).contains("host;x-amz-date;x-amz-security-token");
        assertThat(lent.toString() + signed).doesNotContain("the-session", KEYS.secretAccessKey());
    }
}
