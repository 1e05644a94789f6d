package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OutageException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class GunzipTest {
    private static final byte[] BYTES = "what is in it".repeat(100).getBytes(StandardCharsets.US_ASCII);

    private static Gunzip gunzip(InputStream in, long mostBytes) throws IOException {
        return new Gunzip(in, "fetching: registry.test", mostBytes);
    }

    @Test
    void readsOnePieceAfterTheOther() throws IOException {
        byte[] piece = TestWorld.gzipped(BYTES);
        InputStream two = new SequenceInputStream(new ByteArrayInputStream(piece), new ByteArrayInputStream(piece));

        assertThat(gunzip(two, 2L * BYTES.length).readAllBytes()).hasSize(2 * BYTES.length);
    }

    @Test
    void endsARowOfPiecesWithNothingInThemThatNeverEnds() throws IOException {
        byte[] nothing = TestWorld.gzipped(new byte[0]);
        InputStream endless = new InputStream() {
            private int at;

            @Override
            public int read() {
                return nothing[at++ % nothing.length] & 0xff;
            }
        };

        assertThatThrownBy(() -> {
                    byte[] read = gunzip(endless, 10).readAllBytes();
                    throw new InvalidContentException("an end after " + read.length + " bytes");
                })
                .isInstanceOf(InvalidContentException.class);
    }

    @Test
    void seesTheEndOfTheBodyItself() throws IOException {
        AtomicBoolean ended = new AtomicBoolean();
        InputStream body = new ByteArrayInputStream(TestWorld.gzipped(BYTES)) {
            @Override
            public synchronized int read() {
                int one = super.read();
                ended.compareAndSet(false, one < 0);
                return one;
            }
        };

        assertThat(gunzip(body, BYTES.length).readAllBytes()).isEqualTo(BYTES);
        assertThat(ended).as("the connection is free then").isTrue();
    }

    @Test
    void saysWhatIsWrong() throws IOException {
        byte[] good = TestWorld.gzipped(BYTES);
        byte[] flipped = good.clone();
        flipped[good.length - 7] ^= 1;
        byte[] cut = Arrays.copyOf(good, good.length / 2);

        assertThatThrownBy(() ->
                        gunzip(new ByteArrayInputStream(flipped), BYTES.length).readAllBytes())
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("fetching: registry.test");
        assertThatThrownBy(() ->
                        gunzip(new ByteArrayInputStream(cut), BYTES.length).readAllBytes())
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("fetching: registry.test");
        assertThatThrownBy(() ->
                        gunzip(new ByteArrayInputStream(good), BYTES.length - 1).readAllBytes())
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining(Integer.toString(BYTES.length - 1));
    }
}
