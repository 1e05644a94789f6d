package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What rules are for a reader that asks what is so now. */
@Timeout(30)
class RulesForReplicationTest {
    private static final Tag TAG = new Tag("v1");
    private static final CacheSettings PLAIN = CacheFixture.SETTINGS;

    @TempDir
    Path directory;

    private CacheFixture cache;
    private FakeUpstream upstream;
    private CachedRepository source;
    private ManifestBytes image;

    @BeforeEach
    void open() throws IOException {
        cache = new CacheFixture(directory);
        upstream = new FakeUpstream("registry.test/team/app");
        source = new CachedRepository(cache.cache.alwaysAsking(upstream));
        image = CacheFixture.image(upstream, new byte[] {1});
        upstream.tag("v1", image);
    }

    @AfterEach
    void close() throws IOException {
        cache.close();
    }

    private static CacheSettings settings(
            Optional<String> denied, boolean offline, Optional<MinAge> minAge, OptionalLong maxBytes) {
        return new CacheSettings(
                denied,
                CacheSettings.FOREVER,
                Duration.ZERO,
                CacheSettings.FOREVER,
                CacheSettings.FOREVER,
                Duration.ofMillis(1),
                Map.of(StaleCause.SERVER_ERROR, Duration.ofDays(1), StaleCause.UNREACHABLE, Duration.ofDays(1)),
                PLAIN.negative(),
                offline,
                Optional.empty(),
                Optional.empty(),
                minAge,
                maxBytes,
                0,
                Optional.empty(),
                Map.of(Setting.OFFLINE, "rules[0]"));
    }

    @Test
    void freshnessAndStaleAreNotForIt() throws IOException {
        cache.rule = settings(Optional.empty(), false, Optional.empty(), OptionalLong.empty());
        assertThat(source.fetchManifest(TAG).digest()).isEqualTo(image.digest());
        ManifestBytes second = CacheFixture.image(upstream, new byte[] {2});
        upstream.tag("v1", second);
        assertThat(source.resolve(TAG).orElseThrow().digest()).isEqualTo(second.digest());
        assertThat(source.fetchManifest(TAG).digest()).isEqualTo(second.digest());
        upstream.outage = Optional.of(new OutageException(OutageException.Reason.SERVER_ERROR, "out"));
        assertThatThrownBy(() -> source.resolve(TAG)).isInstanceOf(OutageException.class);
        assertThatThrownBy(() -> source.fetchManifest(TAG)).isInstanceOf(OutageException.class);
    }

    @Test
    void whatIsDeniedIsDeniedToItToo() {
        cache.rule = settings(Optional.of("no"), false, Optional.empty(), OptionalLong.empty());
        assertThatThrownBy(() -> source.resolve(TAG)).isInstanceOf(BlockedException.class);
        assertThatThrownBy(() -> source.fetchManifest(TAG)).isInstanceOf(BlockedException.class);
        assertThatThrownBy(() -> source.listTags(Optional.empty())).isInstanceOf(BlockedException.class);
        assertThat(upstream.asked).isEmpty();
    }

    @Test
    void offlineUpstreamIsAnOutageForWhatIsSoNowAndDigestsAreServed() throws IOException {
        source.fetchManifest(TAG);
        source.listTags(Optional.empty());
        cache.rule = settings(Optional.empty(), true, Optional.empty(), OptionalLong.empty());
        upstream.asked.clear();
        for (var ask : new ThrowingCallable[] {
            () -> source.resolve(TAG),
            () -> source.fetchManifest(TAG),
            () -> source.listTags(Optional.empty()),
            () -> source.referrers(image.digest())
        }) {
            assertThatThrownBy(ask)
                    .isInstanceOfSatisfying(
                            OutageException.class,
                            e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.NOT_ASKED))
                    .hasMessageContaining("rules[0]");
        }
        assertThat(source.fetchManifest(image.digest()).digest()).isEqualTo(image.digest());
        assertThat(upstream.asked).isEmpty();
    }

    @Test
    void tagIsCopiedAtTheDigestThatClientsGet() throws IOException {
        source.fetchManifest(TAG);
        cache.clock.advance(Duration.ofDays(3));
        ManifestBytes second = CacheFixture.image(upstream, new byte[] {2});
        upstream.tag("v1", second);
        cache.rule =
                settings(Optional.empty(), false, Optional.of(MinAge.of(Duration.ofDays(3))), OptionalLong.empty());
        assertThat(source.resolve(TAG).orElseThrow().digest()).isEqualTo(image.digest());
        assertThat(source.fetchManifest(TAG).digest()).isEqualTo(image.digest());
        cache.clock.advance(Duration.ofDays(3));
        assertThat(source.resolve(TAG).orElseThrow().digest()).isEqualTo(second.digest());
    }
}
