package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class FailureWordsTest {
    @Test
    void failureWithoutAMessageIsNamedByItsKind() {
        assertThat(FailureWords.of(new ClosedChannelException()))
                .isEqualTo("failed without saying why (ClosedChannelException)");
        assertThat(FailureWords.of(new IOException(" "))).isEqualTo("failed without saying why (IOException)");
    }

    @Test
    void failureThatSaysNoMoreThanANameIsPutIntoWords() {
        assertThat(FailureWords.of(new NoSuchFileException("a"))).isEqualTo("there is no file a");
        assertThat(FailureWords.of(new AccessDeniedException("a"))).isEqualTo("a may not be read or written");
        assertThat(FailureWords.of(new FileAlreadyExistsException("a")))
                .isEqualTo("a is there already, and is to be something else");
        assertThat(FailureWords.of(new IOException("why"))).isEqualTo("why");
    }
}
