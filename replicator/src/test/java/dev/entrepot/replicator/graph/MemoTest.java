package dev.entrepot.replicator.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MemoTest {
    private final AtomicInteger asked = new AtomicInteger();

    @Test
    void manyWhoAskAtOnceGetOneAnswer() throws IOException {
        Memo<String, Object> memo = new Memo<>(key -> {
            asked.incrementAndGet();
            return new Object();
        });
        List<Integer> thousand = IntStream.range(0, 1000).boxed().toList();

        List<Object> answers = Concurrently.map(thousand, number -> memo.get("key" + number % 10));

        assertThat(asked).hasValue(10);
        for (int number : thousand) {
            assertThat(answers.get(number)).isSameAs(answers.get(number % 10));
        }
    }

    @Test
    void failureIsRememberedToo() {
        Memo<String, Object> memo = new Memo<>(key -> {
            asked.incrementAndGet();
            throw new IOException("no " + key);
        });

        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> memo.get("answer"))
                    .isInstanceOf(IOException.class)
                    .hasMessage("no answer");
        }

        assertThat(asked).hasValue(1);
    }
}
