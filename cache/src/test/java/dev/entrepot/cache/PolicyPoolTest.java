package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import org.junit.jupiter.api.Test;

class PolicyPoolTest {
    private static PolicyKey key(int number, int units) {
        return PolicyKey.of(Digest.sha256(new byte[] {(byte) number}), units);
    }

    @Test
    void whatWaitsAlreadyIsNotLoadedASecondTime() {
        PolicyPool pool = new PolicyPool(10);
        // More than the maximum, so that it waits at once.
        pool.put(key(1, 20));
        assertThat(pool.units()).isEqualTo(20);
        pool.setMaximum(1000);
        pool.load(key(1, 20), 3);
        assertThat(pool.units()).isEqualTo(20);
        assertThat(pool.count()).isEqualTo(1);
        assertThat(pool.coldest(5)).hasSize(1);
    }

    @Test
    void useBringsBackWhatWaits() {
        PolicyPool pool = new PolicyPool(10);
        pool.put(key(1, 20));
        pool.setMaximum(1000);
        pool.put(key(2, 5));
        assertThat(pool.use(key(1, 1))).isTrue();
        assertThat(pool.units()).isEqualTo(25);
        assertThat(pool.remove(key(1, 1))).isEqualTo(key(1, 20));
        assertThat(pool.units()).isEqualTo(5);
    }
}
