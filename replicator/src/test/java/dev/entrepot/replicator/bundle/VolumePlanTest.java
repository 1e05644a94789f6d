package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.Test;

class VolumePlanTest {
    private static VolumePlan plan(Inventory inventory, boolean signed) throws Exception {
        return VolumePlan.of(
                inventory,
                InventoryJson.write(inventory),
                signed ? Optional.of(new byte[] {1, 2, 3}) : Optional.empty());
    }

    private static List<String> names(VolumePlan plan, int volume) {
        return plan.entries(volume).stream().map(VolumeEntry::name).toList();
    }

    @Test
    void contentComesBeforeWhatNamesItAndTheFallbackIndexBehindTheReferrers() throws Exception {
        Inventory inventory = Inventories.signedImage();

        assertThat(names(plan(inventory, true), 1))
                .containsExactly(
                        "oci-layout",
                        "index.json",
                        "entrepot/volume.json",
                        "entrepot/inventory.json",
                        "entrepot/inventory.sig",
                        "blobs/sha256/" + Inventories.CONFIG.encoded(),
                        "blobs/sha256/" + Inventories.LAYER.encoded(),
                        "blobs/sha256/" + Inventories.AMD.encoded(),
                        "blobs/sha256/" + Inventories.INDEX.encoded(),
                        "blobs/sha512/" + Inventories.PAYLOAD.encoded(),
                        "blobs/sha256/" + Inventories.BILL.encoded(),
                        "blobs/sha256/"
                                + Digest.sha256(inventory.fallbackIndex(Inventories.INDEX))
                                        .encoded(),
                        "blobs/sha256/" + Inventories.SIGNATURE.encoded());
        assertThat(names(plan(inventory, false), 1)).doesNotContain("entrepot/inventory.sig");
    }

    @Test
    void theIndexHasTagsCosignTagsFallbackTagsAndReferrers() throws Exception {
        VolumeEntry index = plan(Inventories.signedImage(), true).entries(1).get(1);
        String text = new String(((VolumeEntry.Content.Constant) index.content()).bytes(), StandardCharsets.UTF_8);

        assertThat(text)
                .contains("\"org.opencontainers.image.ref.name\":\"v1\",\"dev.entrepot.repository\":\"team/app\"")
                .contains("\"org.opencontainers.image.ref.name\":\"sha256-" + Inventories.INDEX.encoded() + ".sig\"")
                .contains("\"org.opencontainers.image.ref.name\":\"sha256-" + Inventories.INDEX.encoded() + "\"")
                .contains("\"artifactType\":\"application/spdx+json\",\"annotations\":{\"made by\"");
    }

    @Test
    void aTarOfTheHeadersIsReadByOthersAsItIsMeant() throws Exception {
        VolumePlan plan = plan(Inventories.signedImage(), true);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (VolumeEntry entry : plan.entries(1)) {
            bytes.writeBytes(entry.header());
            bytes.writeBytes(new byte[(int) entry.sizeBytes() + entry.paddingBytes()]);
        }
        bytes.writeBytes(new byte[VolumePlan.END_BYTES]);

        assertThat((long) bytes.size()).isEqualTo(plan.tarBytes(1));
        List<String> found = new ArrayList<>();
        try (TarArchiveInputStream tar = new TarArchiveInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                found.add(entry.getName() + " " + entry.getSize());
                assertThat(entry.isCheckSumOK()).isTrue();
                assertThat(entry.getMode()).isEqualTo(0644);
                assertThat(entry.getLastModifiedTime().toMillis()).isZero();
                assertThat(entry.getUserName() + entry.getGroupName()).isEmpty();
            }
        }
        assertThat(found)
                .isEqualTo(plan.entries(1).stream()
                        .map(entry -> entry.name() + " " + entry.sizeBytes())
                        .toList());
    }

    @Test
    void aSizeThatAHeaderCannotHoldIsInAnExtendedHeader() throws Exception {
        long tenGigabytes = 10L << 30;
        byte[] header = TarHeader.of("blobs/sha256/" + Inventories.LAYER.encoded(), tenGigabytes);

        assertThat(header).hasSize(3 * TarHeader.BLOCK_BYTES);
        try (TarArchiveInputStream tar = new TarArchiveInputStream(new ByteArrayInputStream(header))) {
            assertThat(tar.getNextEntry().getSize()).isEqualTo(tenGigabytes);
        }
        assertThat(TarHeader.of("small", (8L << 30) - 1)).hasSize(TarHeader.BLOCK_BYTES);
    }

    @Property(tries = 60)
    void volumesAreFilledInOrderAndNoneIsTooLarge(
            @ForAll @Size(min = 1, max = 40) List<@LongRange(min = 0, max = 400_000) Long> sizes) throws Exception {
        long limit = 100_000;
        Inventory placed = VolumePlacer.place(
                Inventories.layers(sizes),
                limit,
                (blob, parts) -> parts.stream()
                        .map(size -> Inventories.digest(blob + " " + size))
                        .toList());
        VolumePlan plan = plan(placed, true);

        TreeSet<String> names = new TreeSet<>();
        for (int volume = 1; volume <= plan.volumes(); volume++) {
            assertThat(plan.tarBytes(volume)).isLessThanOrEqualTo(limit);
            names(plan, volume).stream()
                    .filter(name -> name.contains("/sha"))
                    .forEach(name -> assertThat(names.add(name)).isTrue());
        }
        // No more than twice the volumes that it takes at least.
        long bytes = sizes.stream().mapToLong(Long::longValue).sum();
        assertThat((long) plan.volumes()).isLessThanOrEqualTo(2 + 2 * bytes / (limit - 30_000));
        assertThat(InventoryJson.write(InventoryJson.read(plan.document(), "inventory")))
                .isEqualTo(plan.document());
    }

    @Test
    void aVolumeThatHasNoRoomForTheInventoryIsRefused() {
        assertThatThrownBy(() -> VolumePlacer.place(Inventories.signedImage(), 5_000, (blob, sizes) -> List.of()))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("too small");
    }

    @Test
    void noSizeOfAVolumeLeavesAPartWithoutBytes() throws Exception {
        Inventory whole = Inventories.layers(List.of(9_000L));

        for (long bytes = 6_000; bytes < 12_000; bytes++) {
            try {
                Inventory placed = VolumePlacer.place(
                        whole,
                        bytes,
                        (blob, sizes) -> sizes.stream()
                                .map(size -> Inventories.digest("part of " + size))
                                .toList());
                assertThat(placed.volumes()).isPositive();
            } catch (BundleException e) {
                assertThat(e).hasMessageContaining("too small");
            }
        }
    }

    @Test
    void namesOfVolumesAreTheSameInAnyLanguage() {
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.forLanguageTag("fa-IR"));
            assertThat(VolumeNames.of(Path.of("out", "release.tar"), 2, 3))
                    .isEqualTo(Path.of("out", "release.002.tar"));
        } finally {
            Locale.setDefault(before);
        }
    }
}
