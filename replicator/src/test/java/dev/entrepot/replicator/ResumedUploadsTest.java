package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.UploadLog;
import java.io.IOException;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ResumedUploadsTest {
    private static final Digest BLOB = Digest.sha256(new byte[0]);

    private final Map<Digest, UploadLog.Upload> noted = new HashMap<>();
    private final ResumedUploads uploads = new ResumedUploads(new UploadLog() {
        @Override
        public Optional<Upload> recall(Digest blob) {
            return Optional.ofNullable(noted.get(blob));
        }

        @Override
        public void note(Digest blob, Upload upload) {
            noted.put(blob, upload);
        }

        @Override
        public void forget(Digest blob) {
            noted.remove(blob);
        }
    });

    private static UploadLog.Upload at(long offset) {
        return new UploadLog.Upload(URI.create("http://registry.test/v2/app/blobs/uploads/1"), offset);
    }

    @Test
    void whatAnEarlierProcessSentIsResumed() throws IOException {
        noted.put(BLOB, at(100));
        assertThat(uploads.recall(BLOB)).isPresent();
        uploads.note(BLOB, at(200));
        assertThat(uploads.isResumed()).isTrue();
    }

    @Test
    void sessionThatBeganHereIsNotResumedWhenItIsRecalledHere() throws IOException {
        assertThat(uploads.recall(BLOB)).isEmpty();
        uploads.note(BLOB, at(0));
        uploads.note(BLOB, at(100));
        assertThat(uploads.recall(BLOB)).isPresent();
        uploads.note(BLOB, at(100));
        assertThat(uploads.isResumed()).isFalse();
    }

    @Test
    void sessionThatBeginsInPlaceOfOneThatIsGoneIsNotResumed() throws IOException {
        noted.put(BLOB, at(100));
        assertThat(uploads.recall(BLOB)).isPresent();
        uploads.note(BLOB, at(0));
        assertThat(uploads.recall(BLOB)).isPresent();
        assertThat(uploads.isResumed()).isFalse();
    }
}
