package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.replicator.graph.DiscoveryException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

/** What a report says of a failure names the side, and what to do. */
class CopyExceptionTest {
    private static ItemReport.Failure failure(Side side, IOException cause) {
        return ((CopyException) CopyException.of(side, "v1", "doing something", cause)).failure();
    }

    @Test
    void refusalSaysToLookAtTheCredentials() {
        assertThat(failure(Side.TARGET, new UnauthorizedException(401, "eu.test answered 401")))
                .isEqualTo(new ItemReport.Failure(
                        Side.TARGET,
                        "v1",
                        "doing something: eu.test answered 401; check the name, and the credentials that the configuration has for it",
                        "unauthorized: 401"));
        assertThat(failure(Side.TARGET, new UnauthorizedException(403, "eu.test answered 403"))
                        .cause())
                .endsWith("answered 403; check the name, and what its credentials may do there");
        assertThat(failure(
                                Side.SOURCE,
                                new DiscoveryException(
                                        "sha256:1",
                                        "reading it",
                                        new UnauthorizedException(401, "a.test answered 401")))
                        .cause())
                .endsWith("a.test answered 401; check the name, and the credentials that the configuration has for it");
        assertThat(failure(
                                Side.TARGET,
                                new OutageException(
                                        OutageException.Reason.UNREACHABLE, "eu.test refused the connection"))
                        .cause())
                .isEqualTo("doing something: eu.test refused the connection");
    }

    @Test
    void fileThatFailsAtATargetIsTheTargetsAndSaysMoreThanItsName() {
        ItemReport.Failure missing = failure(Side.TARGET, new NoSuchFileException("/media/usb"));
        assertThat(missing.side()).isEqualTo(Side.TARGET);
        assertThat(missing.cause())
                .isEqualTo("doing something: /media/usb is not there, and cannot be made; is it writable?");
        assertThat(failure(Side.TARGET, new AccessDeniedException("/media/usb")).cause())
                .endsWith("/media/usb: permission denied; is it writable?");
        assertThat(failure(Side.TARGET, new FileAlreadyExistsException("out")).cause())
                .endsWith("out is in the way: it is no folder");
    }

    @Test
    void fileOfTheCacheThatFailsIsThisMachines() {
        assertThat(failure(Side.SOURCE, new NoSuchFileException("/data/blobs/x"))
                        .side())
                .isEqualTo(Side.LOCAL);
        assertThat(failure(Side.TARGET, new IOException("No space left on device"))
                        .side())
                .isEqualTo(Side.LOCAL);
    }
}
