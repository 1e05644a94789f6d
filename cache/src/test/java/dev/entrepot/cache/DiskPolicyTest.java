package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.Repository;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DiskPolicyTest {
    private static final long MIB = 1 << 20;
    private static final long CAPACITY = 1000 * MIB;
    private static final Repository PLAIN = Repository.parse("docker.io/library/plain");
    private static final Repository LOW = Repository.parse("docker.io/library/low");
    private static final Repository LIMITED = Repository.parse("docker.io/library/limited");

    private static DiskGroup group(Repository repository) {
        return switch (repository.name().value()) {
            case "library/low" -> new DiskGroup("low", -1, 1);
            case "library/limited" -> new DiskGroup("limited", 5, 0.1);
            default -> DiskGroup.DEFAULT;
        };
    }

    private final DiskPolicy policy = new DiskPolicy(DiskLimits.of(CAPACITY, 0), DiskPolicyTest::group);

    private static Digest digest(int number) {
        return Digest.sha256(new byte[] {(byte) number, (byte) (number >> 8)});
    }

    private void blob(int number, long bytes, Repository owner) {
        policy.stored(digest(number), ContentKind.BLOB, bytes, Optional.of(owner));
    }

    /** All that goes, one after another. */
    private List<Digest> order() {
        List<Digest> order = new ArrayList<>();
        while (true) {
            List<DiskPolicy.Victim> next = policy.victims(1, Set.of());
            if (next.isEmpty()) {
                return order;
            }
            order.add(next.getFirst().digest());
            policy.removed(next.getFirst().digest());
        }
    }

    /** By counts, since times say nothing on a busy machine; docs/benchmarks.md has those of a million. */
    @Test
    void victimsAmongManyCostWhatThoseAmongFewCost() {
        long[] few = workOfNamingVictims(500);
        long[] many = workOfNamingVictims(50_000);
        assertThat(many[0]).isEqualTo(few[0]).isEqualTo(16);
        assertThat(many[1]).isLessThan(few[1] * 3 / 2);
    }

    // The pieces that are looked at and the bytes that are allocated to name 16 victims.
    private static long[] workOfNamingVictims(int pieces) {
        DiskLimits limits = DiskLimits.of(64L << 30, 0);
        DiskPolicy many = new DiskPolicy(limits, DiskShares.EQUAL);
        long bytes = limits.lowBytes() / pieces;
        for (int i = 0; i < pieces; i++) {
            many.stored(digest(i), ContentKind.BLOB, bytes, Optional.of(PLAIN));
        }
        CountingSet looked = new CountingSet();
        many.victims(16, looked);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 20; i++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            many.victims(16, Set.of());
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        return new long[] {looked.asked(), least};
    }

    @Test
    void lowerPriorityGoesFirst() {
        blob(1, MIB, PLAIN);
        blob(2, MIB, LOW);
        blob(3, MIB, PLAIN);
        assertThat(order()).containsExactly(digest(2), digest(1), digest(3));
    }

    @Test
    void groupThatHasMoreThanItsShareGoesFirstDownToIt() {
        blob(1, MIB, LOW);
        for (int i = 10; i < 16; i++) {
            blob(i, 20 * MIB, LIMITED);
        }
        assertThat(policy.victims(1, Set.of()).getFirst().overShare()).isTrue();
        List<Digest> order = order();
        assertThat(order.getFirst()).isIn(digest(10), digest(11), digest(12), digest(13), digest(14), digest(15));
        assertThat(order.get(1)).isEqualTo(digest(1));
        assertThat(order).hasSize(7);
    }

    @Test
    void useByOneOfHigherPriorityKeepsWhatAnotherFetched() {
        blob(1, MIB, LOW);
        blob(2, MIB, LOW);
        policy.used(digest(1), PLAIN);
        assertThat(order()).containsExactly(digest(2), digest(1));
    }

    @Test
    void smallContentOutlivesLayers() {
        policy.stored(digest(1), ContentKind.MANIFEST, 300_000, Optional.of(LOW));
        blob(2, 1000, LOW);
        blob(3, MIB, PLAIN);
        assertThat(order().getFirst()).isEqualTo(digest(3));
    }

    @Test
    void smallContentBeyondItsBudgetGoesFirst() {
        for (int i = 0; i < 1000; i++) {
            policy.stored(digest(i), ContentKind.BLOB, DiskPolicy.SMALL_BYTES - 1, Optional.of(PLAIN));
        }
        blob(2000, MIB, PLAIN);
        List<Digest> order = order();
        assertThat(order.indexOf(digest(2000))).isBetween(190, 215);
    }

    @Test
    void whatCannotGoIsPassedOver() {
        blob(1, MIB, LOW);
        blob(2, MIB, PLAIN);
        assertThat(policy.victims(5, Set.of(digest(1))).getFirst().digest()).isEqualTo(digest(2));
        assertThat(policy.victims(5, Set.of(digest(1), digest(2)))).isEmpty();
    }

    @Test
    void scanDoesNotPushOutWhatIsUsedAgainAndAgain() {
        int hot = 60;
        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < hot; i++) {
                if (round == 0) {
                    blob(i, 10 * MIB, PLAIN);
                } else {
                    policy.used(digest(i), PLAIN);
                }
            }
        }
        List<Digest> gone = new ArrayList<>();
        for (int scan = 0; scan < 200; scan++) {
            blob(1000 + scan, 10 * MIB, PLAIN);
            if (scan >= 35) {
                Digest victim = policy.victims(1, Set.of()).getFirst().digest();
                policy.removed(victim);
                gone.add(victim);
            }
        }
        long lost = gone.stream()
                .filter(digest ->
                        IntStream.range(0, hot).anyMatch(i -> digest(i).equals(digest)))
                .count();
        assertThat(lost).isLessThanOrEqualTo(2);
    }

    @Test
    void whatCameLastIsNotAmongThoseThatGoFirst() {
        for (int i = 0; i < 800; i++) {
            policy.stored(digest(i), ContentKind.BLOB, DiskPolicy.SMALL_BYTES - 1, Optional.of(PLAIN));
        }
        for (int round = 0; round < 3; round++) {
            for (int i = 1000; i < 1090; i++) {
                if (round == 0) {
                    blob(i, 10 * MIB, PLAIN);
                } else {
                    policy.used(digest(i), PLAIN);
                }
            }
        }
        for (int pull = 0; pull < 50; pull++) {
            blob(2000 + pull, 30 * MIB, PLAIN);
            // What is over the low watermark.
            long over = 30 * MIB;
            while (over > 0) {
                Digest victim = policy.victims(1, Set.of()).getFirst().digest();
                assertThat(victim).isNotEqualTo(digest(2000 + pull));
                policy.removed(victim);
                over -= IntStream.range(0, pull).anyMatch(i -> digest(2000 + i).equals(victim)) ? 30 * MIB : 10 * MIB;
            }
        }
    }

    @Test
    void weightsDoNotOverflowAtPetabytes() {
        long capacity = 1L << 52;
        DiskPolicy huge = new DiskPolicy(DiskLimits.of(capacity, 0), DiskShares.EQUAL);
        for (int i = 0; i < 8; i++) {
            huge.stored(digest(i), ContentKind.BLOB, capacity / 4, Optional.of(PLAIN));
        }
        huge.stored(digest(9), ContentKind.BLOB, Long.MAX_VALUE / 2, Optional.of(PLAIN));
        assertThat(huge.victims(100, Set.of())).hasSize(9);
        assertThat(huge.sizes()).allSatisfy(pool -> assertThat(pool.bytes()).isNotNegative());
    }

    @Test
    void keysGiveBackTheirDigests() {
        Digest wide = Digest.of(DigestAlgorithm.SHA512, new byte[] {1});
        for (Digest digest : List.of(digest(1), wide)) {
            PolicyKey key = PolicyKey.of(digest, 7);
            assertThat(key.digest()).isEqualTo(digest);
            assertThat(key).isEqualTo(PolicyKey.of(digest, 8)).hasSameHashCodeAs(PolicyKey.of(digest, 8));
        }
        assertThat(PolicyKey.of(wide, 1)).isNotEqualTo(PolicyKey.of(digest(1), 1));
    }
}
