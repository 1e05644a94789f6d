package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Meter;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Pace;
import dev.entrepot.oci.PushedManifest;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.UploadLog;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BlobTransferTest {
    private final VirtualTime clock = new VirtualTime();
    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Descriptor blob = new Shapes(app).blob(Shapes.LAYER, "layer");

    private HostGate gate(String host) {
        return new HostGate(
                host,
                1,
                new KnownHosts(Engine.NO_RETRIES, clock.time()).unknown(),
                Engine.NO_RETRIES,
                Pace.FREE,
                clock.time());
    }

    @Test
    void refusalOfTheTargetAfterAnOutageOfTheSourceIsTheTargetsFault() {
        AtomicInteger opened = new AtomicInteger();
        source.gate((index, request) -> {
            if (opened.incrementAndGet() == 1) {
                throw new OutageException(OutageException.Reason.UNREACHABLE, "the source is away");
            }
        });
        BlobTransfer transfer = new BlobTransfer(app, gate("source.test"), Meter.NONE, bytes -> {});

        Throwable thrown =
                catchThrowable(() -> transfer.push(blob, new ReopeningTarget(), new NoLog(), gate("target.test"), 1));

        assertThat(opened.get()).isEqualTo(2);
        assertThat(thrown).isInstanceOf(RefusedException.class).hasMessageContaining("the target refuses");
    }

    @Test
    void whatWasOpenedAtTheSourceIsClosedAndItsBytesAreToldOnce() throws IOException {
        AtomicInteger open = new AtomicInteger();
        AtomicLong told = new AtomicLong();
        MemoryRepository mirror = new MemoryRegistry("target.test", Abilities.ALL).repository("app");
        BlobTransfer transfer =
                new BlobTransfer(new Counted(app, open), gate("source.test"), Meter.NONE, told::addAndGet);

        transfer.push(blob, mirror, new NoLog(), gate("target.test"), 1);

        assertThat(mirror.blobs).containsOnlyKeys(blob.digest());
        assertThat(open).hasValue(0);
        assertThat(told).hasValue(blob.sizeBytes());
        assertThat(transfer.movedBytes()).isEqualTo(blob.sizeBytes());
    }

    @Test
    void outageOfTheSourceIsMetAsOftenAsThereAreAttemptsAndAnAnswerOnce() {
        OutageException outage = new OutageException(OutageException.Reason.SERVER_ERROR, "the source is ill");
        NotFoundException answer = new NotFoundException(NotFoundException.Kind.BLOB, "the source does not have it");
        for (RegistryException fault : List.of(outage, answer)) {
            source.forgetRequests();
            source.gate((index, request) -> {
                throw fault;
            });
            BlobTransfer transfer = new BlobTransfer(app, gate("source.test"), Meter.NONE, bytes -> {});
            MemoryRepository mirror = new MemoryRegistry("target.test", Abilities.ALL).repository("app");

            Throwable thrown = catchThrowable(() -> transfer.push(blob, mirror, new NoLog(), gate("target.test"), 3));

            assertThat(source.requests()).hasSize(fault == outage ? 3 : 1);
            assertThat(thrown)
                    .isInstanceOfSatisfying(
                            BlobTransfer.SourceFault.class,
                            atSource -> assertThat(atSource.fault()).isSameAs(fault));
        }
    }

    /** Counts the bodies that are open. */
    private record Counted(BlobSource source, AtomicInteger open) implements BlobSource {
        @Override
        public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
            return source.statBlob(digest);
        }

        @Override
        public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
            BlobBody body = source.openBlob(digest, range);
            open.incrementAndGet();
            return new BlobBody() {
                @Override
                public InputStream stream() {
                    return body.stream();
                }

                @Override
                public long offset() {
                    return body.offset();
                }

                @Override
                public OptionalLong totalBytes() {
                    return body.totalBytes();
                }

                @Override
                public void close() throws IOException {
                    open.decrementAndGet();
                    body.close();
                }
            };
        }
    }

    /** Opens the content again when that fails, reads it, and then refuses the blob. */
    private static final class ReopeningTarget implements RepositoryTarget {
        @Override
        public void pushBlob(Descriptor blob, BlobSource content) throws IOException {
            try {
                read(blob, content);
            } catch (OutageException e) {
                read(blob, content);
            }
            throw new RefusedException(413, "SIZE_INVALID", "the target refuses");
        }

        private static void read(Descriptor blob, BlobSource content) throws IOException {
            try (BlobBody body = content.openBlob(blob.digest(), ByteRange.ALL)) {
                assertThat(body.stream().readAllBytes()).hasSize((int) blob.sizeBytes());
            }
        }

        @Override
        public boolean containsBlob(Digest digest) {
            return false;
        }

        @Override
        public boolean mountBlob(Digest digest, RepositoryName from) {
            return false;
        }

        @Override
        public PushedManifest pushManifest(ManifestBytes manifest, ManifestReference reference) {
            throw new AssertionError("no manifest is pushed");
        }

        @Override
        public void settle() {}

        @Override
        public boolean deleteManifest(ManifestReference reference) {
            throw new AssertionError("nothing is deleted");
        }
    }

    private static final class NoLog implements UploadLog {
        @Override
        public Optional<Upload> recall(Digest blob) {
            return Optional.empty();
        }

        @Override
        public void note(Digest blob, Upload upload) {}

        @Override
        public void forget(Digest blob) {}
    }
}
