package dev.entrepot.proxy.rules;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskGroupingTest {
    private static final String SHARED = "{repositories: [ci/*], priority: -10, share: 20%}";

    @TempDir
    Path folder;

    private DiskGrouping grouping(String rules, String ofUpstream) throws Exception {
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(
                file,
                "rules: [" + rules + "]\nupstreams: {registry.test: {url: \"https://registry.test\", rules: ["
                        + ofUpstream + "]}}\n");
        return DiskGrouping.of(
                ConfigLoader.load(Optional.of(file), folder, Map.of()).config());
    }

    @Test
    void rulesThatSayNothingOfTheDiskChangeNothing() throws Exception {
        DiskGrouping before = grouping(SHARED, "");
        assertThat(grouping(SHARED + ", {deny: \"closed\"}, {freshness: 1h}", "{min-age: 3d}"))
                .isEqualTo(before);
        assertThat(grouping("{repositories: [ci/*], priority: -10, share: 20%, deny: \"closed\"}", "{offline: true}"))
                .isEqualTo(before);
    }

    @Test
    void otherSharesPrioritiesRepositoriesAndPlacesAreAnotherDivision() throws Exception {
        DiskGrouping before = grouping(SHARED, "");
        assertThat(grouping("{repositories: [ci/*], priority: -10, share: 21%}", ""))
                .isNotEqualTo(before);
        assertThat(grouping("{repositories: [ci/*], priority: -9, share: 20%}", ""))
                .isNotEqualTo(before);
        assertThat(grouping("{repositories: [qa/*], priority: -10, share: 20%}", ""))
                .isNotEqualTo(before);
        assertThat(grouping("{deny: \"closed\"}, " + SHARED, "")).isNotEqualTo(before);
        assertThat(grouping(SHARED, "{priority: 3}")).isNotEqualTo(before);
        assertThat(grouping("", SHARED)).isNotEqualTo(before);
    }
}
