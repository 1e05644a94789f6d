package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.UnauthorizedException;
import io.helidon.http.Header;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ErrorRepliesTest {
    static List<Arguments> table() {
        return Stream.of(
                        row(new NotFoundException(NotFoundException.Kind.NAME, "m"), "404 NAME_UNKNOWN"),
                        row(new NotFoundException(NotFoundException.Kind.MANIFEST, "m"), "404 MANIFEST_UNKNOWN"),
                        row(new NotFoundException(NotFoundException.Kind.BLOB, "m"), "404 BLOB_UNKNOWN"),
                        row(new UnauthorizedException(401, "m"), "401 UNAUTHORIZED"),
                        row(new UnauthorizedException(403, "m"), "403 DENIED"),
                        row(new RefusedException(400, "DIGEST_INVALID", "m"), "400 DIGEST_INVALID"),
                        row(new RefusedException(405, "", "m"), "405 UNSUPPORTED"),
                        row(new RefusedException(451, "not a code", "m"), "451 UNSUPPORTED"),
                        row(new RefusedException(302, "", "m"), "502 UNSUPPORTED"),
                        row(new OutageException(Reason.RATE_LIMITED, "m"), "503 TOOMANYREQUESTS"),
                        row(new OutageException(Reason.QUOTA, "m"), "503 TOOMANYREQUESTS"),
                        row(new OutageException(Reason.TIMEOUT, "m"), "504 UNAVAILABLE"),
                        row(new OutageException(Reason.NOT_ASKED, "m"), "503 UNAVAILABLE"),
                        row(new OutageException(Reason.UNREACHABLE, "m"), "502 UNAVAILABLE"),
                        row(new OutageException(Reason.DNS, "m"), "502 UNAVAILABLE"),
                        row(new OutageException(Reason.TLS, "m"), "502 UNAVAILABLE"),
                        row(new OutageException(Reason.SERVER_ERROR, "m"), "502 UNAVAILABLE"),
                        row(new OutageException(Reason.TOKEN_SERVICE, "m"), "502 UNAVAILABLE"),
                        row(ofTokens(Reason.UNREACHABLE), "502 UNAVAILABLE"),
                        row(ofTokens(Reason.TIMEOUT), "504 UNAVAILABLE"),
                        row(ofTokens(Reason.NOT_ASKED), "503 UNAVAILABLE"),
                        row(ofTokens(Reason.RATE_LIMITED), "503 TOOMANYREQUESTS"),
                        row(new BlockedException(BlockedException.Kind.DENIED, "m"), "403 DENIED"),
                        row(new BlockedException(BlockedException.Kind.TOO_LARGE, "m"), "403 DENIED"),
                        row(new BlockedException(BlockedException.Kind.TOO_YOUNG, "m"), "403 DENIED"),
                        row(new BlockedException(BlockedException.Kind.UNVERIFIABLE, "m"), "404 MANIFEST_UNKNOWN"),
                        row(new InvalidContentException("m"), "502 UNKNOWN"),
                        row(new InvalidNameException("repository name", "x", "y"), "400 NAME_INVALID"),
                        row(new InvalidNameException("registry host", "x", "y"), "400 NAME_INVALID"),
                        row(new InvalidNameException("tag", "x", "y"), "400 TAG_INVALID"),
                        row(new InvalidNameException("digest", "x", "y"), "400 DIGEST_INVALID"),
                        row(new InvalidNameException("digest algorithm", "x", "y"), "400 DIGEST_INVALID"),
                        row(new InvalidNameException(PageRequest.LIMIT, "x", "y"), "400 PAGINATION_NUMBER_INVALID"),
                        row(refusedQuery("ns=%zz"), "400 UNSUPPORTED"),
                        row(refusedQuery("%zz=1"), "400 UNSUPPORTED"),
                        row(new InterruptedIOException("m"), "503 UNAVAILABLE"),
                        row(new IOException("/secret/path: No space left on device"), "500 UNKNOWN"),
                        row(new IllegalStateException("/secret/path"), "500 UNKNOWN"))
                .toList();
    }

    private static OutageException ofTokens(Reason how) {
        return new OutageException(Reason.TOKEN_SERVICE, "m", new OutageException(how, "m"));
    }

    private static InvalidNameException refusedQuery(String raw) {
        return catchThrowableOfType(InvalidNameException.class, () -> QueryParameters.parse(raw));
    }

    private static Arguments row(Exception failure, String expected) {
        return Arguments.of(failure, expected);
    }

    @ParameterizedTest(name = "{0} -> {1}")
    @MethodSource("table")
    void everyFailureHasItsStatusAndCode(Exception failure, String expected) {
        Reply reply = ErrorReplies.of(failure, Optional.of(Verdict.MISS));
        assertThat(reply.status().code() + " " + code(reply)).isEqualTo(expected);
        assertThat(reply.verdict()).contains(Verdict.MISS);
        assertThat(reply.headers()).contains(ReplyHeaders.JSON, ReplyHeaders.NO_STORE);
        assertThat(new String(body(reply))).doesNotContain("/secret");
    }

    private static byte[] body(Reply reply) {
        return ((ReplyBody.Bytes) reply.body()).bytes();
    }

    private static String code(Reply reply) {
        return OciJson.mapper()
                .readTree(body(reply))
                .path("errors")
                .path(0)
                .path("code")
                .stringValue("");
    }

    @Test
    void rateLimitSaysWhenToComeBackAndNeverBy429() {
        assertThat(retryAfter(Optional.of(Duration.ofMillis(1500)))).isEqualTo("2");
        assertThat(retryAfter(Optional.of(Duration.ofDays(9)))).isEqualTo("3600");
        assertThat(retryAfter(Optional.of(Duration.ZERO))).isEqualTo("1");
        assertThat(retryAfter(Optional.empty())).isEqualTo("30");
    }

    @Test
    void whatIsTooYoungSaysWhenItWillBeServedHoweverLateThatIs() {
        assertThat(retryAfter(tooYoung(Duration.ofMillis(1500)))).isEqualTo("2");
        assertThat(retryAfter(tooYoung(Duration.ofMillis(-1)))).isEqualTo("1");
        assertThat(retryAfter(tooYoung(Duration.ofDays(9)))).isEqualTo("777600");
    }

    private static Reply tooYoung(Duration wait) {
        return ErrorReplies.of(
                new BlockedException(BlockedException.Kind.TOO_YOUNG, "m", Optional.of(wait)), Optional.empty());
    }

    @Test
    void whoIsRefusedForWhoHeIsIsToldWhatToShowOrWhenToComeAgain() {
        Reply unknown = refused(AccessRefusedException.unknown("m", "Basic realm=\"entrepot\""));
        assertThat(unknown.status().code() + " " + code(unknown)).isEqualTo("401 UNAUTHORIZED");
        assertThat(unknown.headers()).anySatisfy(header -> {
            assertThat(header.name()).isEqualTo("WWW-Authenticate");
            assertThat(header.get()).isEqualTo("Basic realm=\"entrepot\"");
        });
        Reply denied = refused(AccessRefusedException.denied("m"));
        assertThat(denied.status().code() + " " + code(denied)).isEqualTo("403 DENIED");
        Reply often = refused(AccessRefusedException.tooOften("m", Duration.ofSeconds(7)));
        assertThat(often.status().code() + " " + code(often) + " " + retryAfter(often))
                .isEqualTo("429 TOOMANYREQUESTS 7");
        Reply undecided = refused(AccessRefusedException.undecided("m", Duration.ofSeconds(5)));
        assertThat(undecided.status().code() + " " + code(undecided) + " " + retryAfter(undecided))
                .isEqualTo("503 UNAVAILABLE 5");
    }

    private static Reply refused(AccessRefusedException refusal) {
        return ErrorReplies.of(refusal, Optional.empty());
    }

    @Test
    void outageThatIsKnownSaysWhenItIsLookedAtAgain() {
        Reply reply = ErrorReplies.of(
                new OutageException(Reason.NOT_ASKED, "m", Optional.of(Duration.ofSeconds(20)), null),
                Optional.empty());
        assertThat(reply.headers()).anySatisfy(header -> {
            assertThat(header.name()).isEqualTo("Retry-After");
            assertThat(header.get()).isEqualTo("20");
        });
        assertThat(reply.status().code()).isEqualTo(503);
    }

    private static String retryAfter(Optional<Duration> wanted) {
        return retryAfter(
                ErrorReplies.of(new OutageException(Reason.RATE_LIMITED, "m", wanted, null), Optional.empty()));
    }

    private static String retryAfter(Reply reply) {
        return reply.headers().stream()
                .filter(header -> header.name().equals("Retry-After"))
                .map(Header::get)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void refusalByTheUpstreamCarriesNoChallenge() {
        Reply reply = ErrorReplies.of(new UnauthorizedException(401, "m"), Optional.empty());
        assertThat(reply.headers()).noneMatch(header -> header.name().equalsIgnoreCase("WWW-Authenticate"));
    }
}
