package dev.entrepot.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TagPagesTest {
    private static final String OF = "registry.test/app";

    private static TagPage page(String next, String... tags) {
        return new TagPage(
                List.of(tags).stream().map(Tag::new).toList(), Optional.of(next).filter(n -> !n.isEmpty()));
    }

    @Test
    void allPagesAreReadAlsoBehindEmptyOnesAndEachTagIsThereOnce() throws IOException {
        assertThat(TagPages.all(OF, cursor -> switch (cursor.orElse("")) {
                            case "" -> page("a", "v2", "v1");
                            case "a" -> page("b");
                            case "b" -> page("c");
                            default -> page("", "v1", "v3");
                        })
                        .tags())
                .containsExactly(new Tag("v2"), new Tag("v1"), new Tag("v3"));
    }

    @Test
    void listMayBeCutIfAnyOfItsPagesMayBe() throws IOException {
        TagPage cut = new TagPage(List.of(new Tag("v1")), Optional.empty(), true);
        assertThat(TagPages.all(OF, cursor -> cut).mayBeCut()).isTrue();
        assertThat(TagPages.all(OF, cursor -> page("", "v1")).mayBeCut()).isFalse();
    }

    @Test
    void emptyPagesThatNameEachOtherAreRefused() {
        assertThatThrownBy(() -> TagPages.all(OF, cursor -> cursor.equals(Optional.of("a")) ? page("b") : page("a")))
                .isInstanceOf(InvalidContentException.class)
                .hasMessage("tag list of registry.test/app repeats a page");
    }

    @Test
    void pagesWithoutNewTagsEndSomewhere() {
        AtomicInteger asked = new AtomicInteger();
        assertThatThrownBy(() -> TagPages.all(OF, cursor -> page("c" + asked.incrementAndGet())))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("does not end: stopped after 0 tags");
        assertThat(asked.get()).isEqualTo(TagPages.MAX_WITHOUT_NEWS + 1);
        asked.set(0);
        assertThatThrownBy(() -> TagPages.all(OF, cursor -> page("c" + asked.incrementAndGet(), "v1")))
                .isInstanceOf(InvalidContentException.class);
        assertThat(asked.get()).isEqualTo(TagPages.MAX_WITHOUT_NEWS + 2);
    }

    @Test
    void pagesAreBoundedWhateverTheyHold() {
        AtomicInteger asked = new AtomicInteger();
        assertThatThrownBy(() -> {
                    TagPages.all(OF, cursor -> page("c" + asked.incrementAndGet(), "v" + asked.get()));
                })
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("does not end");
        assertThat(asked.get()).isEqualTo(TagPages.MAX_PAGES);
    }
}
