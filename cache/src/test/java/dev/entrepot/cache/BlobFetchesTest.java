package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlobFetchesTest {
    @TempDir
    Path directory;

    @Test
    void fetchForWhichThereIsNoThreadFailsForAllWhoFollowAndIsForgotten() throws IOException {
        FakeUpstream upstream = new FakeUpstream("registry.test/team/app");
        Digest digest = upstream.addBlob(new byte[10]);
        List<BlobFetches.Joined> joined = new ArrayList<>();
        List<BlobFetches> fetches = new ArrayList<>();
        try (CacheFixture cache = new CacheFixture(directory)) {
            fetches.add(new BlobFetches(
                    cache.store, new NothingKept(), CacheFixture.FAST, new CacheStatistics(), task -> {
                        fetches.getFirst()
                                .joinRunning(digest, upstream.repository())
                                .ifPresent(joined::add);
                        throw new LinkageError("no");
                    }));
            assertThatThrownBy(() -> fetches.getFirst()
                            .join(
                                    digest,
                                    upstream.repository(),
                                    Optional.empty(),
                                    upstream,
                                    true,
                                    OptionalLong.empty(),
                                    true,
                                    Optional.empty()))
                    .isInstanceOf(LinkageError.class);
            assertThat(fetches.getFirst().count()).isZero();
            assertThat(joined).hasSize(1);
            assertThat(joined.getFirst().fetch().progress().hasFailed()).isTrue();
        }
    }

    private static final class NothingKept implements BlobFetch.Keeper {
        @Override
        public boolean reserve(Ingest ingest, long totalBytes) {
            return false;
        }

        @Override
        public String lack(Ingest ingest, long totalBytes) {
            return "nothing is kept";
        }

        @Override
        public void sent(Repository repository, Digest digest, long bytes) {}

        @Override
        public void kept(Repository repository, Digest digest, long bytes) {}

        @Override
        public boolean isProven(Repository repository, Digest digest) {
            return false;
        }
    }
}
