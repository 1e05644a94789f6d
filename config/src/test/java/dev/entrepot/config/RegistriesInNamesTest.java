package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RegistriesInNamesTest {
    @Test
    void patternsThatBeginWithARegistryAreNamedWithWhatToWrite() {
        EntrepotConfig config = Loading.config("""
                upstreams:
                  docker.io: {rules: [{repositories: ["docker.io/library/*", "library/*", "ghcr.io/x"], deny: "no"}]}
                  intern: {url: "http://127.0.0.1:1"}
                rules:
                  - {repositories: ["team/*", "*.io/x", "**/docker.io", {regex: "docker.io/.*"}], deny: "no"}
                  - {repositories: ["docker.io/library/*", "other.example/x/**", "intern/team/app", "docker.io"], deny: "no"}
                """);
        String matches = " matches only repositories that are called so at their upstream, as at a mirror of others;"
                + " rules name repositories without the registry: ";

        assertThat(RegistriesInNames.warnings(config))
                .containsExactly(
                        "upstreams[docker.io].rules[0]: docker.io/library/*" + matches
                                + "for docker.io write library/* in upstreams[docker.io].rules",
                        "rules[1]: docker.io/library/*" + matches
                                + "for docker.io write library/* in upstreams[docker.io].rules",
                        "rules[1]: other.example/x/**" + matches + "no upstream is called other.example",
                        "rules[1]: intern/team/app" + matches + "for intern write team/app in upstreams[intern].rules");
    }

    @Test
    void theUsualConfigurationHasNone() {
        assertThat(RegistriesInNames.warnings(Loading.config("{}"))).isEmpty();
    }
}
