package dev.entrepot.proxy.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HtpasswdTest {
    private static final String HASH = "$C6UzMDM.H6dfI/f/IKcEeO7ZYQ0CFZ8Ki6tIIL9e1d9rQ1UWXcUmG";

    private static Htpasswd parse(String text) throws IOException {
        return Htpasswd.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsUsersAndPassesOverCommentsAndEmptyLines() throws Exception {
        Htpasswd file = parse("# who\r\n\r\nalice:$2y$05" + HASH + "\r\nbob:$2a$12" + HASH + "\n");
        assertThat(file.hashOf("alice")).contains("$2y$05" + HASH);
        assertThat(file.hashOf("bob")).contains("$2a$12" + HASH);
        assertThat(file.hashOf("carol")).isEmpty();
    }

    @Test
    void unknownUsersCostAsMuchAsTheDearestOfTheOthers() throws Exception {
        assertThat(parse("a:$2y$05" + HASH + "\nb:$2y$12" + HASH).nobodys()).startsWith("$2b$12$");
        assertThat(parse("").nobodys()).startsWith("$2b$10$");
    }

    @Test
    void whatIsCheckedAfterAWrongPasswordMakesUpForACheapHash() throws Exception {
        Htpasswd file = parse("a:$2y$08" + HASH + "\nb:$2y$11" + HASH);
        assertThat(file.restTo("$2y$08" + HASH)).containsExactly("$2b$08" + HASH, "$2b$09" + HASH, "$2b$10" + HASH);
        assertThat(file.restTo("$2y$11" + HASH)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "alice:plain-secret",
                "alice:$apr1$x$plain-secret",
                "alice:{SHA}plain-secret",
                "alice",
                ":$2y$05" + HASH,
                "alice:$2y$15" + HASH,
                "alice:$2y$03" + HASH,
                "alice:$2y$05" + HASH + "x",
                "ok:$2y$05" + HASH + "\nok:$2y$05" + HASH,
            })
    void refusesEverythingElseWithoutSayingWhatItIs(String text) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("line ")
                .hasMessageNotContaining("secret")
                .hasMessageNotContaining(HASH);
    }
}
