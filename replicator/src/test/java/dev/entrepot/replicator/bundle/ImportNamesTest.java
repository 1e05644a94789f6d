package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Names that repositories and tags get at a target, and the way back. */
class ImportNamesTest {
    private static final ImportNames NAMES = ImportNames.parse(
            List.of(),
            List.of("team=squad", "team/app=special", "tool:v1=:stable"),
            Optional.of(new RepositoryName("mirror")));

    @ParameterizedTest
    @CsvSource({"team/web,mirror/squad/web", "team,mirror/squad", "team/app/x,mirror/special/x", "other,mirror/other"})
    void aRepositoryOfTheTargetIsThatOfTheSourceThatGetsItsName(String source, String target) {
        assertThat(NAMES.repository(new RepositoryName(source))).hasToString(target);
        assertThat(NAMES.source(new RepositoryName(target))).contains(new RepositoryName(source));
    }

    @ParameterizedTest
    @CsvSource({"other", "mirror", "mirror/team/web", "mirrored/other"})
    void whatNoImportWritesToIsNoRepositoryOfTheSource(String target) {
        assertThat(NAMES.source(new RepositoryName(target))).isEmpty();
    }

    @Test
    void aNameThatWouldBeTooLongIsNotTheOne() {
        ImportNames longer = ImportNames.parse(List.of(), List.of("a=" + "b".repeat(250)), Optional.empty());

        assertThat(longer.source(new RepositoryName("a/" + "c".repeat(250)))).isEmpty();
    }

    @Test
    void aTagOfTheTargetIsThatOfTheSourceThatGetsItsName() {
        assertThat(NAMES.source(new RepositoryName("tool"), new Tag("stable"))).isEqualTo(new Tag("v1"));
        assertThat(NAMES.source(new RepositoryName("other"), new Tag("stable"))).isEqualTo(new Tag("stable"));
        assertThat(NAMES.source(new RepositoryName("tool"), new Tag("v2"))).isEqualTo(new Tag("v2"));
    }
}
