package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.LoadedConfig;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.LogLines;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.rules.LiveRules;
import dev.entrepot.proxy.rules.RuleSet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rules that change while a server runs. */
class RulesReloadTest {
    private static final String DENY = "rules: [{deny: \"closed\"}]\n";
    private static final Repository APP = Repository.parse("docker.io/library/app");

    @TempDir
    Path folder;

    private ConfigReload watching(LiveRules rules, LoadedConfig started) {
        return new ConfigReload(started.config(), ParsedFile.of(file(), started), rules, (read, server) -> {});
    }

    private ConfigFile file() {
        return new ConfigFile(Optional.of(Path.of("entrepot.yaml")), folder, Map.of());
    }

    private LiveRules rules(LoadedConfig loaded) {
        return new LiveRules(RuleSet.of(loaded));
    }

    private void write(String text) throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), text);
    }

    @Test
    void requestsAfterAReloadAreAnsweredByTheNewRulesAndABadFileKeepsTheOldOnes() throws Exception {
        try (TestRegistry registry = TestRegistry.started()) {
            registry.push("app", new Images(1).image(10), "1");
            String upstream =
                    "default-upstream: registry.test\nupstreams: {registry.test: {url: \"" + registry.uri() + "\"}}\n";
            try (MirrorFixture mirror = MirrorFixture.started(folder, upstream)) {
                assertThat(mirror.get("/v2/app/manifests/1").statusCode()).isEqualTo(200);
                assertThat(mirror.reconfigure(upstream + DENY)).isTrue();
                assertThat(text(mirror.get("/v2/app/manifests/1"))).contains("closed");
                assertThat(mirror.metric("entrepot_rules_reloads_total")).isEqualTo(1);

                assertThat(mirror.reconfigure(upstream + "rules: [{deny: \"\"}]\n"))
                        .isFalse();
                assertThat(text(mirror.get("/v2/app/manifests/1"))).contains("closed");
                assertThat(mirror.metric("entrepot_rules_reload_failures_total"))
                        .isEqualTo(1);
                assertThat(mirror.metric("entrepot_rules_outdated")).isEqualTo(1);
                assertThat(mirror.admin("/readyz").statusCode()).isEqualTo(200);
                assertThat(mirror.admin("/readyz").body())
                        .startsWith("ready\nnote: ")
                        .contains("rules[0].deny", "stay in effect");

                assertThat(mirror.reconfigure(upstream)).isTrue();
                assertThat(mirror.get("/v2/app/manifests/1").statusCode()).isEqualTo(200);
                assertThat(mirror.admin("/readyz").body()).isEqualTo("ready\n");
                assertThat(mirror.metric("entrepot_rules_outdated")).isZero();
            }
        }
    }

    @Test
    void fileIsReadWhenItHasChangedAndStayedTheSameForOneLook() throws Exception {
        write("{}");
        LoadedConfig started = file().load();
        LiveRules rules = rules(started);
        try (ConfigReload reload = watching(rules, started)) {
            write("rules: [{deny: \"half");
            reload.look();
            write(DENY);
            reload.look();
            assertThat(reload.succeeded() + reload.failed()).isZero();
            reload.look();
            reload.look();
            assertThat(reload.succeeded()).isEqualTo(1);
            assertThat(reload.failed()).isZero();
            assertThat(rules.of(APP).denied()).contains("closed");
        }
    }

    @Test
    void theLogCountsTheRulesOfUpstreamsToo() throws Exception {
        write("{}");
        LoadedConfig started = file().load();
        try (LogLines log = LogLines.of(ConfigReload.class);
                ConfigReload reload = watching(rules(started), started)) {
            write(DENY + "upstreams: {quay.io: {rules: [{deny: a}, {deny: b}]}}\n");
            assertThat(reload.reload("a test")).isTrue();
            assertThat(log.texts()).contains("rules read again, because a test: 1 for all upstreams, 2 for one");
        }
    }

    @Test
    void fileThatCouldNotBeReadForAReasonThatPassesIsReadAgainByItself() throws Exception {
        write("{}");
        LoadedConfig started = file().load();
        LiveRules rules = rules(started);
        int[] refusals = {1};
        List<String> taken = new ArrayList<>();
        ConfigReload.Applied applied = (read, server) -> {
            taken.add(read.rules().size() + " rules, " + rules.of(APP).denied());
            if (refusals[0]-- > 0) {
                throw new IllegalStateException("not now");
            }
        };
        try (ConfigReload reload = new ConfigReload(started.config(), ParsedFile.of(file(), started), rules, applied)) {
            write(DENY);
            reload.look();
            reload.look();
            assertThat(reload.problem()).isPresent();
            assertThat(rules.of(APP).denied()).isEmpty();
            assertThat(taken)
                    .as("what was taken of a file that failed is taken back")
                    .containsExactly("1 rules, Optional[closed]", "0 rules, Optional.empty");
            for (int look = 0; look < 20; look++) {
                reload.look();
            }
            assertThat(reload.problem()).isEmpty();
            assertThat(reload.failed()).isEqualTo(1);
            assertThat(reload.succeeded()).isEqualTo(1);
            assertThat(rules.of(APP).denied()).contains("closed");
        }
    }

    @Test
    void fileThatWasChangedAfterItWasReadAndBeforeTheServerWasUpIsReadAgain() throws Exception {
        write("{}");
        LoadedConfig started = file().load();
        write(DENY);
        LiveRules rules = rules(started);
        try (ConfigReload reload = watching(rules, started)) {
            reload.look();
            reload.look();
            assertThat(reload.succeeded()).isEqualTo(1);
            assertThat(rules.of(APP).denied()).contains("closed");
        }
    }

    @Test
    void fileThatIsALinkIntoAFolderThatIsSwappedIsReadAgain() throws Exception {
        for (String version : new String[] {"v1", "v2"}) {
            Files.createDirectories(folder.resolve(version));
            Files.writeString(folder.resolve(version + "/entrepot.yaml"), version.equals("v1") ? "{}" : DENY);
        }
        Files.createSymbolicLink(folder.resolve("..data"), Path.of("v1"));
        Files.createSymbolicLink(folder.resolve("entrepot.yaml"), Path.of("..data/entrepot.yaml"));
        LoadedConfig started = file().load();
        LiveRules rules = rules(started);
        try (ConfigReload reload = watching(rules, started)) {
            Files.createSymbolicLink(folder.resolve("..next"), Path.of("v2"));
            Files.move(
                    folder.resolve("..next"),
                    folder.resolve("..data"),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            reload.look();
            reload.look();
            assertThat(rules.of(APP).denied()).contains("closed");
        }
    }

    @Test
    void fileThatHasGoneKeepsTheRules() throws Exception {
        write(DENY);
        LoadedConfig started = file().load();
        LiveRules rules = rules(started);
        try (ConfigReload reload = watching(rules, started)) {
            Files.delete(folder.resolve("entrepot.yaml"));
            reload.look();
            reload.look();
            assertThat(rules.of(APP).denied()).contains("closed");
            assertThat(reload.problem().orElseThrow()).contains("not there");
        }
    }

    @Test
    void fileThatHasBecomeEmptyKeepsTheRules() throws Exception {
        write(DENY);
        LoadedConfig started = file().load();
        LiveRules rules = rules(started);
        try (ConfigReload reload = watching(rules, started)) {
            write(" \n");
            assertThat(reload.reload("a test")).isFalse();
            assertThat(rules.of(APP).denied()).contains("closed");
            assertThat(reload.problem().orElseThrow()).contains("is empty");
        }
    }

    @Test
    void layoutInTheDataFolderOfTheCommandIsWrongWhenItIsReadAgainToo() throws Exception {
        write(DENY);
        ConfigFile file = file().withData(WrittenPaths.folders(Optional.of(folder.resolve("own"))));
        LoadedConfig started = file.load();
        LiveRules rules = rules(started);
        try (ConfigReload reload =
                new ConfigReload(started.config(), ParsedFile.of(file, started), rules, (read, server) -> {})) {
            write(
                    "replication: {rules: [{name: r, source: quay.io, repositories: [x], targets: [{layout: own/x}]}]}\n");
            assertThat(reload.reload("a test")).isFalse();
            assertThat(reload.problem().orElseThrow()).contains("the layout is in the folder of --data");
            assertThat(rules.of(APP).denied()).contains("closed");
        }
    }

    @Test
    void defaultFileThatHasGoneKeepsTheRulesToo() throws Exception {
        write(DENY);
        ConfigFile unnamed = new ConfigFile(Optional.empty(), folder, Map.of());
        LoadedConfig started = unnamed.load();
        LiveRules rules = rules(started);
        try (ConfigReload reload =
                new ConfigReload(started.config(), ParsedFile.of(unnamed, started), rules, (read, server) -> {})) {
            Files.delete(folder.resolve("entrepot.yaml"));
            assertThat(reload.reload("a test")).isFalse();
            assertThat(rules.of(APP).denied()).contains("closed");
        }
    }

    @Test
    void anErrorOfTheMachineIsAProblemLikeOthers() throws Exception {
        write("{}");
        LoadedConfig started = file().load();
        ConfigReload.Applied failing = (read, server) -> {
            throw new InternalError("no heap");
        };
        try (ConfigReload reload =
                new ConfigReload(started.config(), ParsedFile.of(file(), started), rules(started), failing)) {
            write(DENY);
            reload.look();
            reload.look();
            assertThat(reload.failed()).isEqualTo(1);
            assertThat(reload.problem())
                    .hasValueSatisfying(why -> assertThat(why).contains("no heap"));
        }
    }
}
